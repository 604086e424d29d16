/** An HTTP frontend on a free port, a tracker behind it that is easy to steer, and clients that speak bytes. */

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AnnounceRequest, AnnounceResponse } from '../../../src/bittorrent/announce.ts';
import type { RequestContext } from '../../../src/bittorrent/context.ts';
import { Peer } from '../../../src/bittorrent/peer.ts';
import type { ScrapeRequest, ScrapeResponse } from '../../../src/bittorrent/scrape.ts';
import type { TrackerLogic } from '../../../src/bittorrent/tracker-logic.ts';
import type { Frontend } from '../../../src/frontend/frontend.ts';
import { httpDriver } from '../../../src/frontend/http/driver.ts';
import { parseIp } from '../../../src/pkg/ip-address.ts';
import { silentLogger } from '../../../src/pkg/logger.ts';
import type { Metric } from '../../../src/pkg/metrics.ts';

/** Twenty bytes, some of which have to be escaped. */
export const INFOHASH = '%00%ff%26%3d%3babcdefghijklmno';
export const PEER_ID = '-TR4050-abcdefghijkl';

/** The query of an announce that is good. */
export const QUERY = `info_hash=${INFOHASH}&peer_id=${PEER_ID}&left=1&downloaded=2&uploaded=3&port=6881&compact=1`;

/** A request for `target`, kept alive. */
export function get(target: string, ...fields: string[]): string {
  return [`GET ${target} HTTP/1.1`, 'Host: tracker.example', ...fields, '', ''].join('\r\n');
}

/**
 * A whole round of the event loop. Server and client share it, so what was written before has been read
 * afterwards: pieces that must not arrive together are written a round apart.
 */
export function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** Gives everybody the same peers, or what a test says. */
export class FixedLogic implements TrackerLogic {
  peers: string[] = ['192.0.2.1', '192.0.2.2'];
  readonly calls: string[] = [];
  onAnnounce: (
    request: AnnounceRequest,
    context: RequestContext,
    response: AnnounceResponse,
  ) => void | Promise<void> = () => {};
  onScrape: (request: ScrapeRequest, context: RequestContext) => void | Promise<void> = () => {};

  handleAnnounce(context: RequestContext, request: AnnounceRequest, response: AnnounceResponse) {
    this.calls.push('handle');
    const fill = () => {
      response.complete = 5;
      response.incomplete = 6;
      response.interval = 1800;
      response.minInterval = 900;
      for (const address of this.peers) {
        const bytes = parseIp(address) as Uint8Array;
        const peer = new Peer();
        peer.setAddress(bytes, 0, bytes.length);
        peer.port = request.peer.port;
        peer.setId(Buffer.from('-UT3550-0123456789ab'), 0);
        response.peers.add(peer);
      }
    };
    const wait = this.onAnnounce(request, context, response);
    return wait ? wait.then(fill) : fill();
  }

  afterAnnounce() {
    this.calls.push('after');
  }

  handleScrape(context: RequestContext, request: ScrapeRequest, response: ScrapeResponse) {
    for (const [i, file] of response.files.entries()) {
      file.complete = i + 1;
      file.snatches = 10 * (i + 1);
      file.incomplete = 100 * (i + 1);
    }
    return this.onScrape(request, context);
  }

  afterScrape() {}
}

export interface Served {
  readonly frontend: Frontend;
  readonly logic: FixedLogic;
  readonly metrics: Metric[];
  readonly port: number;
}

let socket: 'epoll' | 'node' | undefined;

/** Has `serve` open that kind of socket where its options name none. */
export function useSocket(kind: 'epoll' | 'node'): void {
  socket = kind;
}

/** @param options of the `http` block; one address on a free port of 127.0.0.1 if they name none */
export async function serve(
  options: Record<string, unknown> = {},
  logic = new FixedLogic(),
): Promise<Served> {
  const metrics: Metric[] = [];
  const addresses = 'addr' in options || 'https_addr' in options ? {} : { addr: '127.0.0.1:0' };
  const frontend = await httpDriver.open(
    httpDriver.options.parse({ ...(socket && { socket }), ...addresses, ...options }),
    {
      logic,
      logger: silentLogger,
      metrics: { register: (metric) => metrics.push(metric) },
      reusePort: false,
    },
  );
  return { frontend, logic, metrics, port: frontend.addresses[0]?.port as number };
}

/** One connection, byte by byte. */
export class RawClient {
  readonly socket: Socket;
  ended = false;
  /** Settles when the connection is gone, however it went. */
  readonly closed: Promise<void>;
  #chunks: Buffer[] = [];
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.ended = true;
        this.#wake();
        resolve();
      }),
    );
  }

  static async tcp(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connectTcp({ port, host, noDelay: true });
    const client = new RawClient(socket);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return client;
  }

  static async tls(port: number, ca: Buffer): Promise<RawClient> {
    const socket = connectTls({ port, host: '127.0.0.1', ca });
    const client = new RawClient(socket);
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return client;
  }

  write(bytes: string | Uint8Array): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  /** Everything received so far. */
  get received(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  /** Forgets what has been received. */
  clear(): void {
    this.#chunks = [];
  }

  /** `received`, a character a byte, without the `Date` fields, which no literal can expect. */
  get text(): string {
    return withoutDate(this.received.toString('latin1'));
  }

  /** Waits until `count` answers have come, or the connection has ended. */
  async answers(count: number): Promise<string> {
    while (countAnswers(this.received) < count && !this.ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.text;
  }

  /** Waits for the server to end the connection. */
  async end(): Promise<string> {
    await this.closed;
    return this.text;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Sends `bytes` on a connection of their own and returns what comes back until the server closes. */
export async function roundTrip(port: number, bytes: string | Uint8Array): Promise<string> {
  const client = await RawClient.tcp(port);
  client.write(bytes);
  const text = await client.end();
  return text;
}

export function withoutDate(text: string): string {
  return text.replace(/Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/g, '');
}

/** Complete answers in `bytes`, by their Content-Length. */
export function countAnswers(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; ; count++) {
    const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
    if (end < 0) return count;
    const length = /Content-Length: (\d+)/.exec(bytes.toString('latin1', at, end))?.[1];
    at = end + 4 + Number(length);
    if (at > bytes.length) return count;
  }
}

/** The answer with status 200 and this body. */
export function ok(body: string, connection?: 'close' | 'keep-alive'): string {
  const line = connection ? `Connection: ${connection}\r\n` : '';
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n${line}\r\n${body}`;
}

export function failure(reason: string, connection: 'close' | 'keep-alive' = 'close'): string {
  return ok(`d14:failure reason${reason.length}:${reason}e`, connection);
}

/** The answer with another status. */
export function status(line: string, connection: 'close' | '' = 'close', more = ''): string {
  const body = `${line}\n`;
  const tail = connection ? `Connection: ${connection}\r\n` : '';
  return `HTTP/1.1 ${line}\r\n${more}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n${tail}\r\n${body}`;
}

/** What FixedLogic's two peers look like to a compact IPv4 announcer with port 6881. */
export const COMPACT_BODY =
  'd8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e' +
  '5:peers12:\xc0\x00\x02\x01\x1a\xe1\xc0\x00\x02\x02\x1a\xe1e';
