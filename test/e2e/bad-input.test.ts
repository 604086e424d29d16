/**
 * What nobody should send, sent to the built tracker: it goes on, serves others meanwhile, gives no
 * answer that its specification does not allow, and does not grow.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bdecode } from '../support/bencode.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { header, PROTOCOL_ID, UdpProbe } from '../support/udp-probe.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;

/** What a client has for a request; long enough to open ten thousand connections meanwhile. */
const READ_TIMEOUT = 4_000;

const WORKERS = 2;

describe('bad input', () => {
  let tracker: TrackerProcess;
  let httpPort: number;
  let udpPort: number;

  beforeAll(async () => {
    tracker = await TrackerProcess.start({
      workers: WORKERS,
      http: { addr: '127.0.0.1:0', read_timeout: `${READ_TIMEOUT}ms`, enable_keepalive: true },
      udp: { addr: '127.0.0.1:0', private_key: 'of no use outside of this test' },
    });
    httpPort = Number(tracker.address('http').port);
    udpPort = Number(tracker.address('udp').port);
  });

  afterAll(() => tracker?.stop());

  /**
   * Runs `attack` while other clients are served all the time, then looks at what it has cost.
   *
   * @param mostGrowth bytes by which each worker may have grown, as each has a heap of its own
   */
  const survive = async (attack: () => Promise<void>, mostGrowth: number): Promise<void> => {
    await serve(httpPort);
    const overUdp = await UdpProbe.open(udpPort);
    const before = tracker.residentBytes;
    let going = true;
    let slowest = 0;
    let served = 0;
    const bystander = (async () => {
      while (going) {
        const start = performance.now();
        await serve(httpPort);
        await overUdp.connect();
        slowest = Math.max(slowest, performance.now() - start);
        served++;
        await wait(20);
      }
    })();
    try {
      // A short one is over before anybody could notice.
      do await attack();
      while (served < 3);
    } finally {
      going = false;
      await bystander;
      overUdp.close();
    }
    await serve(httpPort);
    expect(tracker.alive).toBe(true);
    // Attacker, bystander and tracker share this machine: it is a bound for hanging, not for speed.
    expect(slowest).toBeLessThan(READ_TIMEOUT);
    expect(tracker.residentBytes - before).toBeLessThan(WORKERS * mostGrowth);
    expect(tracker.problems()).toEqual([]);
  };

  describe('over UDP', () => {
    let probe: UdpProbe;
    let valid: Buffer;

    beforeAll(async () => {
      probe = await UdpProbe.open(udpPort);
      valid = await probe.connect();
    });

    afterAll(() => probe?.close());

    const IDS: readonly (readonly [string, () => Buffer])[] = [
      ['a valid', () => valid],
      ['a forged', () => Buffer.from(valid.map((byte, i) => (i === 7 ? byte ^ 1 : byte)))],
      ["the protocol's", () => header(PROTOCOL_ID, 0, 0).subarray(0, 8)],
    ];

    /** Zeros are a well-formed announce but for the port; anything may come after a port. */
    const FILLINGS: readonly (readonly [string, (length: number) => Buffer])[] = [
      ['zeros', (length) => Buffer.alloc(length)],
      ['a port and zeros', withPort],
      ['random bytes', (length) => randomBytes(length)],
    ];

    it.each(
      IDS.flatMap(([id, bytes]) => FILLINGS.map(([filling, fill]) => [id, filling, bytes, fill] as const)),
    )(
      'every length from 0 to 2048 with every action, %s connection id and %s',
      async (id, _filling, connectionId, fill) => {
        const isValid = id === 'a valid';
        let answered = 0;
        const sent = new Map<number, Buffer>();
        const check = (answer: Buffer): void => {
          const packet = sent.get(answer.readUInt32BE(4));
          if (!packet) throw new Error(`an answer to nothing: ${answer.toString('hex')}`);
          sent.delete(answer.readUInt32BE(4));
          answered++;
          expectAllowed(packet, answer, isValid);
        };
        await survive(async () => {
          let transaction = 0;
          let batch: Buffer[] = [];
          for (let length = 0; length <= 2048; length++) {
            for (let action = 0; action <= 5; action++) {
              const packet = fill(length);
              header(connectionId(), action, transaction).copy(packet);
              sent.set(transaction++, packet);
              batch.push(packet);
            }
            // Few enough for any receive buffer.
            if (batch.length < 24 && length < 2048) continue;
            for (const answer of await probe.exchange(batch)) check(answer);
            batch = [];
          }
        }, 32 * MIB);
        // Whatever is left was not answered, and had no right to be, or no need.
        for (const packet of sent.values())
          expect(mustBeAnswered(packet, isValid), packet.toString('hex')).toBe(false);
        expect(answered).toBeGreaterThan(2000);
      },
      60_000,
    );
  });

  describe('over HTTP', () => {
    it('random bytes, cut anywhere', async () => {
      await survive(async () => {
        let answered = 0;
        for (let round = 0; round < 60; round++) {
          await Promise.all(
            Array.from({ length: 20 }, async (_, i) => {
              const answer = await send(httpPort, randomBytes(1 + round * 17 * (i + 1)));
              if (answer !== '') {
                answered++;
                expect(answer).toMatch(/^HTTP\/1\.1 (400|431) /);
              }
            }),
          );
        }
        expect(answered).toBeGreaterThan(600);
      }, 48 * MIB);
    }, 60_000);

    it('requests that are nearly right', async () => {
      const good = 'GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&left=1 HTTP/1.1\r\nHost: a\r\n\r\n';
      await survive(async () => {
        for (let at = 0; at < good.length; at++) {
          await Promise.all(
            ['\0', '\n', '\r', ' ', '%', '\x7f', '\xff', ':', 'Z'].map(async (wrong) => {
              const bytes = Buffer.from(good.slice(0, at) + wrong + good.slice(at + 1), 'latin1');
              const answer = await send(httpPort, bytes);
              expect(answer).toMatch(/^(HTTP\/1\.1 (200|400|404|405|431|505) |$)/);
              const [, body] = answer.split('\r\n\r\n');
              if (answer.startsWith('HTTP/1.1 200')) {
                expect(bdecode(Buffer.from(body ?? '', 'latin1'))).toBeInstanceOf(Map);
              }
            }),
          );
        }
      }, 48 * MIB);
    }, 60_000);

    it('a head without an end', async () => {
      await survive(async () => {
        const endless = Buffer.alloc(1_000_000, 'GET /announce?a=');
        for (let round = 0; round < 10; round++) {
          const answers = await Promise.all(Array.from({ length: 20 }, () => send(httpPort, endless)));
          for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 (400|431) |$)/);
        }
      }, 48 * MIB);
    }, 60_000);

    it('a byte a second: cut off when the time for a request is over', async () => {
      await survive(async () => {
        const start = performance.now();
        const request = Buffer.from('GET /announce HTTP/1.1\r\nHost: a\r\n\r\n');
        const slow = Array.from({ length: 50 }, async () => {
          const socket = await open(httpPort);
          const closed = once(socket, 'close');
          for (let at = 0; at < request.length && !socket.closed; at++) {
            socket.write(request.subarray(at, at + 1));
            await Promise.race([closed, wait(1_000)]);
          }
          await closed;
          return performance.now() - start;
        });
        for (const lasted of await Promise.all(slow)) {
          expect(lasted).toBeGreaterThan(READ_TIMEOUT * 0.9);
          // Deadlines are looked at once in a while; a request sent whole would have taken 36 seconds.
          expect(lasted).toBeLessThan(READ_TIMEOUT + 12_000);
        }
      }, 48 * MIB);
    }, 60_000);

    it('ten thousand connections that say nothing', async () => {
      const count = Math.min(10_000, openFilesLimit() - 1_000);
      expect(count).toBeGreaterThan(500);
      await survive(async () => {
        const sockets: Socket[] = [];
        let closed = 0;
        const start = performance.now();
        for (let i = 0; i < count; i += 250) {
          const batch = Array.from({ length: Math.min(250, count - i) }, () => open(httpPort));
          for (const socket of await Promise.all(batch)) {
            socket.once('close', () => closed++);
            sockets.push(socket);
          }
        }
        // A machine so busy that this has taken longer has the first ones closed by now.
        if (performance.now() - start < READ_TIMEOUT) expect(closed).toBe(0);
        // The tracker closes them, not we.
        await until('all to be closed', () => closed === count, 60_000);
      }, 96 * MIB);
    }, 120_000);
  });
});

/** The port of an announce, and that of opentracker's. */
function withPort(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (const at of [96, 108]) if (length >= at + 2) bytes.writeUInt16BE(6881, at);
  return bytes;
}

/** The texts of errors; nothing else may be sent. */
const ERRORS = [
  'bad connection ID',
  'malformed packet',
  'malformed event ID',
  'unknown action ID',
  'invalid port',
];

const ACTIONS = { connect: 0, announce: 1, scrape: 2, error: 3, announceV6: 4 };

function expectAllowed(packet: Buffer, answer: Buffer, validId: boolean): void {
  const asked = packet.readUInt32BE(8);
  const action = answer.readUInt32BE(0);
  const what = `${packet.toString('hex', 0, 110)} (${packet.length} bytes) got ${answer.toString('hex', 0, 60)}`;
  if (packet.length < 16) throw new Error(`answered under 16 bytes: ${what}`);
  if (!validId && answer.length > packet.length) throw new Error(`amplified: ${what}`);
  if (answer.length > 1472) throw new Error(`does not fit a datagram: ${what}`);
  if (action === ACTIONS.error) {
    const text = answer.toString('latin1', 8);
    if (!ERRORS.some((error) => text === `${error}\0`)) throw new Error(`an unknown error: ${what}`);
    if (!validId && text !== 'bad connection ID\0') throw new Error(`told more than a bad id: ${what}`);
    return;
  }
  if (action !== asked) throw new Error(`another action: ${what}`);
  if (asked === ACTIONS.connect) {
    const magic = packet.readBigUInt64BE(0) === PROTOCOL_ID;
    if (!magic || answer.length !== 16) throw new Error(`a wrong connect: ${what}`);
    return;
  }
  if (!validId) throw new Error(`served without an id: ${what}`);
  if (asked === ACTIONS.announce || asked === ACTIONS.announceV6) {
    if (answer.length < 20 || (answer.length - 20) % 6 !== 0) throw new Error(`not whole peers: ${what}`);
  } else if (asked === ACTIONS.scrape) {
    const wanted = Math.min(50, (packet.length - 16) / 20);
    if (answer.length !== 8 + 12 * wanted) throw new Error(`not the swarms asked for: ${what}`);
  } else throw new Error(`an action that does not exist: ${what}`);
}

/** Whether silence would be wrong. */
function mustBeAnswered(packet: Buffer, validId: boolean): boolean {
  if (packet.length < 16) return false;
  const connects = packet.readUInt32BE(8) === ACTIONS.connect;
  if (connects) return packet.readBigUInt64BE(0) === PROTOCOL_ID;
  return validId || packet.length >= 8 + 'bad connection ID\0'.length;
}

/** An announce over a connection of its own, as it should be. */
async function serve(port: number): Promise<void> {
  const query =
    'info_hash=bbbbbbbbbbbbbbbbbbbb&peer_id=-TR4050-bystander012&port=6881&left=0&uploaded=0&downloaded=0';
  const request = `GET /announce?${query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  const answer = await send(port, Buffer.from(request));
  const [head, body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const told = bdecode(Buffer.from(body, 'latin1')) as Map<string, unknown>;
  expect(told.get('complete')).toBe(1);
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

/** Sends the bytes, ends, and returns all that comes back, until the tracker closes. */
async function send(port: number, bytes: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A tracker that has heard enough may close while we still send.
  socket.on('error', () => {});
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** How many files a process may have open at most; Node raises its own limit to that at start. */
function openFilesLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}
