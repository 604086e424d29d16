/** An HTTP(S) client of one tracker at one address (BEP 3, BEP 23, BEP 7, BEP 48). */

import type { IncomingMessage } from 'node:http';
import { type Bencoded, bdecode } from './bdecode.ts';
import type { Target } from './targets.ts';
import {
  type Announcement,
  compactPeers,
  type GivenPeer,
  LEFT,
  type TrackerClient,
  UnreachableError,
} from './tracker-client.ts';

const TIMEOUT = 10_000;

export function createHttpClient({ url, address, family }: Target): TrackerClient {
  const ask = async (path: string, query: string): Promise<Map<string, Bencoded>> => {
    const separator = url.search === '' ? '?' : `${url.search}&`;
    const answer = await get(url, address, `${path}${separator}${query}`);
    const dictionary = bdecode(answer);
    if (!(dictionary instanceof Map)) throw new Error('expected a dictionary as answer, found another value');
    const reason = dictionary.get('failure reason');
    if (reason !== undefined) throw new Error(`the tracker refused: ${reason}`);
    return dictionary;
  };
  return {
    knowsFullForm: true,
    async announce(announcement) {
      const answer = await ask(url.pathname, announceQuery(announcement));
      const peers = announcement.compact ? inCompactForm(answer, family) : inFullForm(answer);
      return { ...countsOf(answer), peers };
    },
    async scrape(infohash) {
      // BEP 48: only a last path segment that begins with `announce` has a scrape address.
      const path = url.pathname.replace(/\/announce([^/]*)$/, '/scrape$1');
      if (path === url.pathname) return undefined;
      const files = (await ask(path, `info_hash=${escapeBytes(infohash)}`)).get('files');
      const file = files instanceof Map ? files.get(infohash.toString('latin1')) : undefined;
      if (!(file instanceof Map)) throw new Error('expected the torrent in the scrape, found it missing');
      return countsOf(file);
    },
  };
}

function announceQuery({ infohash, peerId, port, event, compact }: Announcement): string {
  const text = event === 'none' ? '' : `&event=${event}`;
  return (
    `info_hash=${escapeBytes(infohash)}&peer_id=${escapeBytes(peerId)}&port=${port}` +
    `&uploaded=0&downloaded=0&left=${LEFT}&numwant=50&compact=${compact ? 1 : 0}${text}`
  );
}

function escapeBytes(bytes: Buffer): string {
  return bytes.toString('hex').replace(/../g, '%$&');
}

function countsOf(answer: Map<string, Bencoded>) {
  return { complete: Number(answer.get('complete')), incomplete: Number(answer.get('incomplete')) };
}

function inCompactForm(answer: Map<string, Bencoded>, family: 4 | 6): GivenPeer[] {
  const bytes = answer.get(family === 4 ? 'peers' : 'peers6') ?? Buffer.alloc(0);
  if (!Buffer.isBuffer(bytes)) throw new Error('expected the compact form of peers, found another');
  return compactPeers(bytes, family);
}

function inFullForm(answer: Map<string, Bencoded>): GivenPeer[] {
  const list = answer.get('peers');
  if (!Array.isArray(list)) throw new Error('expected a list of peers, found none');
  return list.map((entry) => {
    const id = entry instanceof Map ? entry.get('peer id') : undefined;
    if (!(entry instanceof Map) || !Buffer.isBuffer(id)) {
      throw new Error('expected each peer with its id, found one without');
    }
    return { address: String(entry.get('ip')), port: Number(entry.get('port')), id };
  });
}

/** The body of an answer with status 200. The connection goes to `address`, whatever the URL's name resolves to. */
async function get(url: URL, address: string, path: string): Promise<Buffer> {
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(
      {
        host: address,
        port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
        path,
        headers: { host: url.host, 'user-agent': 'chihaya-e2e' },
        // RFC 6066 knows no addresses as server names.
        servername: /[[:]|^[\d.]+$/.test(url.hostname) ? '' : url.hostname,
        timeout: TIMEOUT,
        agent: false,
      },
      resolve,
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT / 1000} s`)));
    outgoing.on('error', (error) => reject(new UnreachableError(error.message, { cause: error })));
    outgoing.end();
  });
  const body = Buffer.concat(await response.toArray());
  if (response.statusCode !== 200) throw new Error(`expected status 200, found ${response.statusCode}`);
  return body;
}
