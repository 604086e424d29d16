/** Fetches a JWK set (RFC 7517). Whoever answers is not trusted to answer shortly, or soon, or at all. */

import type { IncomingMessage } from 'node:http';

/** Milliseconds for the whole answer, and bytes of it. */
const TIMEOUT = 5_000;
const MOST_BYTES = 1 << 20;

/** What is kept of a key: never what would sign. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'use', 'key_ops', 'alg', 'n', 'e', 'crv', 'x', 'y'] as const;
const KINDS: readonly unknown[] = ['RSA', 'EC', 'OKP'];

/** A JSON Web Key (RFC 7517 section 4). */
export type Key = Readonly<Partial<Record<(typeof PUBLIC_MEMBERS)[number], unknown>>>;

/**
 * The keys of the set at `url` that have a `kid` and are public ones. Redirects are not followed, lest they lead from
 * https to http.
 *
 * @throws Error that says why there are none to be had
 */
export async function fetchKeys(url: string, stopped: AbortSignal): Promise<readonly Key[]> {
  const timeout = AbortSignal.timeout(TIMEOUT);
  try {
    return keysIn(await read(url, AbortSignal.any([timeout, stopped])));
  } catch (error) {
    if (timeout.aborted) throw new Error(`no complete answer within ${TIMEOUT / 1000} s`);
    throw error;
  }
}

/** Not by `fetch`: a thread that has once called it encodes answers a third slower ever after (measured on Node 20). */
async function read(url: string, signal: AbortSignal): Promise<string> {
  const { get } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  const headers = { accept: 'application/jwk-set+json, application/json' };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false, headers, signal }, resolve).on('error', reject);
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Whatever ends this loop closes the connection.
  for await (const chunk of response) {
    if (response.statusCode !== 200) break;
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`expected at most ${MOST_BYTES} bytes, found more`);
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Error(`expected status 200, found ${response.statusCode}`);
  return Buffer.concat(chunks).toString('utf8');
}

function keysIn(text: string): Key[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new Error('expected a JWK set, found no JSON');
  }
  const { keys } = (set ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('expected a JWK set, found JSON without a list "keys"');
  return keys.filter(isUsable).map(publicPart);
}

function isUsable(key: unknown): key is Key {
  const { kid, kty } = (key ?? {}) as Key;
  return typeof kid === 'string' && KINDS.includes(kty);
}

function publicPart(key: Key): Key {
  return Object.fromEntries(
    PUBLIC_MEMBERS.filter((name) => key[name] !== undefined).map((name) => [name, key[name]]),
  );
}
