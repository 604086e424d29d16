/**
 * The bodies of failures, bencoded (BEP 3) with their keys sorted: `failure reason`, and `retry in` (BEP 31)
 * where the error asks for it, minutes as an integer or the string `never`.
 *
 * Client errors are few objects that are thrown again and again, so each is encoded once.
 */

import { ClientError, INTERNAL_SERVER_ERROR, type RetryIn } from '../../bittorrent/client-error.ts';

/** An error that a hook makes anew for each request goes from here when it goes from everywhere else. */
const bodies = new WeakMap<ClientError, Uint8Array>();

const internal = encode(INTERNAL_SERVER_ERROR, undefined);

/** What a client is told of a failure. Anything that is no ClientError is not explained. */
export function failureBody(error: unknown): Uint8Array {
  if (!(error instanceof ClientError)) return internal;
  let body = bodies.get(error);
  if (body === undefined) {
    body = encode(error.message, error.retryIn);
    bodies.set(error, body);
  }
  return body;
}

function encode(reason: string, retryIn: RetryIn | undefined): Uint8Array {
  return Buffer.from(`d14:failure reason${Buffer.byteLength(reason)}:${reason}${retryField(retryIn)}e`);
}

function retryField(retryIn: RetryIn | undefined): string {
  if (retryIn === undefined) return '';
  return retryIn === 'never' ? '8:retry in5:never' : `8:retry ini${retryIn}e`;
}
