/** Announces to a running tracker, for tests of what it answers. The infohash is 20 bytes of 0xaa. */

import { get } from 'node:http';
import { bdecode } from './bencode.ts';
import { announcePacket, UdpClient } from './udp-client.ts';

export interface Announced {
  /** What the client was told instead of peers. */
  readonly failure: string | undefined;
  readonly interval: number | undefined;
}

export interface Announcer {
  /** A loopback address, to announce from. */
  readonly from?: string;
  /** The port that it says it listens on. */
  readonly port?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param url with whatever its query has besides what an announce must have; without a path, that of announces */
export async function announceHttp(
  url: string | URL,
  { from, port = 6881, headers = {} }: Announcer = {},
): Promise<Announced> {
  const target = new URL(url);
  if (target.pathname === '/') target.pathname = '/announce';
  const query = `info_hash=${'%AA'.repeat(20)}&peer_id=-TR4050-abcdefghijkl&port=${port}&uploaded=0&downloaded=0&left=1`;
  target.search = target.search === '' ? query : `${query}&${target.search.slice(1)}`;
  const body = await new Promise<Buffer>((resolve, reject) => {
    const request = get(
      target,
      { agent: false, headers, ...(from ? { localAddress: from } : {}) },
      (response) => {
        response.toArray().then((chunks: Buffer[]) => resolve(Buffer.concat(chunks)), reject);
      },
    );
    request.on('error', reject);
  });
  const answer = bdecode(body) as Map<string, number | Buffer>;
  return {
    failure: answer.get('failure reason')?.toString(),
    interval: answer.get('interval') as number | undefined,
  };
}

/** @param urlData path and query (BEP 41) */
export async function announceUdp(
  url: string | URL,
  urlData = '',
  { from, port = 6881 }: Announcer = {},
): Promise<Announced> {
  const { hostname, port: trackerPort } = new URL(url);
  const client = await UdpClient.open(Number(trackerPort), hostname, from);
  try {
    const connectionId = await client.connect();
    const answer = await client.ask(announcePacket({ connectionId, port, options: urlOption(urlData) }));
    return answer.readUInt32BE(0) === 3
      ? { failure: answer.toString('utf8', 8).replace(/\0$/, ''), interval: undefined }
      : { failure: undefined, interval: answer.readUInt32BE(8) };
  } finally {
    await client.close();
  }
}

/** BEP 41: pieces of at most 255 bytes, and the end. */
function urlOption(urlData: string): Buffer {
  if (urlData === '') return Buffer.alloc(0);
  const bytes = Buffer.from(urlData, 'latin1');
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    pieces.push(Buffer.from([2, piece.length]), piece);
  }
  return Buffer.concat([...pieces, Buffer.from([0])]);
}
