/** Frontends that have their port in common, as those of several workers have. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TrackerLogic } from '../../src/bittorrent/tracker-logic.ts';
import type { Frontend } from '../../src/frontend/frontend.ts';
import { httpDriver } from '../../src/frontend/http/driver.ts';
import { udpDriver } from '../../src/frontend/udp/driver.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { makeCertificate } from '../support/certificate.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

/** Clients from so many ports: that all of them fall to one of two sockets happens once in 2^39. */
const CLIENTS = 40;

const linux = process.platform === 'linux';

/** Answers with its own number as the interval. */
class NumberedLogic implements TrackerLogic {
  answered = 0;
  readonly #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  handleAnnounce(...[, , response]: Parameters<TrackerLogic['handleAnnounce']>): void {
    this.answered++;
    response.interval = this.#number;
  }
  afterAnnounce(): void {}
  handleScrape(): void {}
  afterScrape(): void {}
}

interface Pair {
  readonly port: number;
  readonly logics: readonly NumberedLogic[];
  readonly frontends: readonly Frontend[];
}

type Open = (logic: TrackerLogic, port: number) => Promise<Frontend>;

async function openTwo(port: number, open: Open): Promise<Pair> {
  const logics = [new NumberedLogic(1), new NumberedLogic(2)];
  const frontends = await Promise.all(logics.map((logic) => open(logic, port)));
  onTestFinished(async () => void (await Promise.all(frontends.map((frontend) => frontend.stop()))));
  for (const { addresses } of frontends) expect(addresses.map((address) => address.port)).toEqual([port]);
  return { port, logics, frontends };
}

const dependencies = (logic: TrackerLogic) => ({
  logic,
  logger: silentLogger,
  metrics: { register() {} },
  reusePort: true,
});

const REQUEST = `GET /announce?info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=6881&uploaded=0&downloaded=0&left=1&compact=1 HTTP/1.1\r\nHost: x\r\n\r\n`;

/** Sends one request and returns the interval of its answer. */
function askHttp(port: number, host: string, secure: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = secure ? connectTls({ port, host, rejectUnauthorized: false }) : connect(port, host);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(Number(/8:intervali(\d+)e/.exec(answer)?.[1])));
    socket.write(REQUEST);
  });
}

async function settledHttp(options: Record<string, unknown>) {
  return await httpDriver.settle?.(httpDriver.options.parse(options), { logger: silentLogger });
}

async function expectBothToAnswer({ logics }: Pair, ask: () => Promise<number>): Promise<void> {
  const intervals = await Promise.all(Array.from({ length: CLIENTS }, ask));
  for (const [i, logic] of logics.entries()) {
    expect(logic.answered).toBeGreaterThan(0);
    expect(intervals.filter((interval) => interval === i + 1)).toHaveLength(logic.answered);
  }
}

describe.skipIf(!linux)('HTTP', () => {
  test.each(['127.0.0.1', '[::1]', ''])('two listen on %s', async (host) => {
    const options = await settledHttp({ addr: `${host}:0` });
    const port = options?.addr?.port ?? 0;
    expect(port).toBeGreaterThan(0);
    const pair = await openTwo(port, (logic) => httpDriver.open(options as never, dependencies(logic)));
    await expectBothToAnswer(pair, () => askHttp(port, host === '[::1]' ? '::1' : '127.0.0.1', false));

    // The one that is left takes all.
    await pair.frontends[0]?.stop();
    const intervals = await Promise.all(
      Array.from({ length: CLIENTS }, () => askHttp(port, host === '[::1]' ? '::1' : '127.0.0.1', false)),
    );
    expect(new Set(intervals)).toEqual(new Set([2]));
  });

  test('over TLS', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'chihaya-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    const options = await settledHttp({
      https_addr: '127.0.0.1:0',
      tls_cert_path: certificate,
      tls_key_path: key,
    });
    const port = options?.https_addr?.port ?? 0;
    const pair = await openTwo(port, (logic) => httpDriver.open(options as never, dependencies(logic)));
    await expectBothToAnswer(pair, () => askHttp(port, '127.0.0.1', true));
  });

  test.skipIf(spawnSync('ss', ['-V']).error)(
    'keep as many connections waiting as one that listens alone',
    async () => {
      const options = await settledHttp({ addr: '127.0.0.1:0' });
      const alone = await httpDriver.open(httpDriver.options.parse({ addr: '127.0.0.1:0' }), {
        ...dependencies(new NumberedLogic(0)),
        reusePort: false,
      });
      onTestFinished(() => alone.stop());
      const { port } = await openTwo(options?.addr?.port ?? 0, (logic) =>
        httpDriver.open(options as never, dependencies(logic)),
      );
      const queues = (of: number | undefined) =>
        execFileSync('ss', ['-ltnH', `sport = :${of}`], { encoding: 'utf8' })
          .trim()
          .split('\n')
          .map((line) => Number(line.split(/\s+/)[2]));
      const [queue] = queues(alone.addresses[0]?.port);
      expect(queue).toBeGreaterThanOrEqual(128);
      expect(queues(port)).toEqual([queue, queue]);
    },
  );

  test('a port that is taken is told as ever', async () => {
    const alone = await httpDriver.open(httpDriver.options.parse({ addr: '127.0.0.1:0' }), {
      ...dependencies(new NumberedLogic(0)),
      reusePort: false,
    });
    onTestFinished(() => alone.stop());
    const addr = `127.0.0.1:${alone.addresses[0]?.port}`;
    await expect(settledHttp({ addr })).rejects.toThrow(
      `cannot listen on ${addr} for HTTP: another process, or another part of this one, listens there (EADDRINUSE)`,
    );
  });
});

describe.skipIf(!linux).each(['mmsg', 'dgram'])('UDP by %s', (socket) => {
  test.each(['127.0.0.1', '[::1]', ''])('two have %s', async (host) => {
    const options = await udpDriver.settle?.(udpDriver.options.parse({ addr: `${host}:0`, socket }), {
      logger: silentLogger,
    });
    const port = options?.addr?.port ?? 0;
    expect(port).toBeGreaterThan(0);
    const pair = await openTwo(port, (logic) => udpDriver.open(options as never, dependencies(logic)));
    await expectBothToAnswer(pair, async () => {
      const client = await UdpClient.open(port, host === '[::1]' ? '::1' : '127.0.0.1');
      // The id is good for either socket: the random key is common to both.
      const answer = await client.ask(announcePacket({ connectionId: await client.connect() }));
      await client.close();
      expect(answer.readUInt32BE(0)).toBe(1);
      return answer.readUInt32BE(8);
    });
  });

  test('a port that is taken is told as ever', async () => {
    const parse = (addr: string) => udpDriver.options.parse({ addr, socket, private_key: 'x' });
    const alone = await udpDriver.open(parse('127.0.0.1:0'), {
      ...dependencies(new NumberedLogic(0)),
      reusePort: false,
    });
    onTestFinished(() => alone.stop());
    const addr = `127.0.0.1:${alone.addresses[0]?.port}`;
    const logger = new MemoryLogger();
    await expect(udpDriver.settle?.(parse(addr), { logger })).rejects.toThrow(
      new RegExp(`^cannot bind UDP ${addr}: .*EADDRINUSE`),
    );
    expect(logger.lines).toEqual([]);
  });
});
