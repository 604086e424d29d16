/** The processes that the figures are taken of: the tracker as it ships, one that is full of peers, and the load on either. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningProcess } from '../../test/support/running-process.ts';
import { GENERATOR_CORE, pinned, SERVER_CORE } from '../load/pinning.ts';
import type { Report } from '../load/report.ts';
import { CONNECT_LENGTH, writeConnect } from '../support/announce-packet.ts';

/** From `build-bench/bench/limits`. */
const TRACKER = join(import.meta.dirname, '../../../build/cli/chihaya.cjs');
const START_TIMEOUT = 60_000;

/** How often a tracker that starts is asked whether it answers. */
const ASK_EVERY = 2;

export interface ServedTracker {
  readonly host: string;
  readonly port: number;
  /** Has all peers collected that were there at first, and resolves to how many milliseconds that took. */
  collect(): Promise<number>;
  stop(): Promise<void>;
}

/** @param chihaya the configuration */
async function start<T>(
  chihaya: object,
  core: number | undefined,
  use: (child: RunningProcess) => Promise<T>,
): Promise<T & { stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'chihaya-limits-'));
  const path = join(directory, 'chihaya.yaml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ chihaya }));
  const args = [TRACKER, '--json', '--allow-root', '--config', path];
  const [file, ...rest] =
    core === undefined ? [process.execPath, ...args] : pinned(core, process.execPath, args);
  const child = new RunningProcess({ file: file as string, args: rest });
  const stop = async () => {
    await child.stop();
    await rm(directory, { recursive: true, force: true });
  };
  return { ...(await use(child)), stop };
}

/** One thread, at `host`. */
export function shippedTracker(host: string): Promise<ServedTracker> {
  const addr = host.includes(':') ? `[${host}]:0` : `${host}:0`;
  return start({ workers: 1, udp: { addr } }, SERVER_CORE, async (child) => {
    const [, port] = await child.waitFor(/"udp:\/\/[^"]*:(\d+)"/, START_TIMEOUT);
    return { host, port: Number(port), collect: () => Promise.reject(new Error('it has nobody to collect')) };
  });
}

/** A tracker with five million peers that have not announced for long. */
export async function crowdedTracker(): Promise<ServedTracker> {
  const [file, ...args] = pinned(SERVER_CORE, process.execPath, [
    join(import.meta.dirname, 'crowded-tracker.js'),
  ]);
  const child = new RunningProcess({ file, args });
  const [, port] = await child.waitFor(/^ready (\d+)$/m, START_TIMEOUT);
  return {
    host: '127.0.0.1',
    port: Number(port),
    async collect() {
      process.kill(child.pid, 'SIGUSR2');
      const [, took] = await child.waitFor(/^collected in (\d+) ms$/m, START_TIMEOUT);
      return Number(took);
    },
    stop: async () => void (await child.stop()),
  };
}

export async function udpLoad(
  { host, port }: ServedTracker,
  seconds: number,
  args: readonly string[],
): Promise<Report> {
  const path = join(import.meta.dirname, '../load/udp-load.js');
  const own = [path, '--host', host, '--port', String(port), '--seconds', String(seconds), ...args];
  const [file, ...rest] = pinned(GENERATOR_CORE, process.execPath, own);
  const child = new RunningProcess({ file, args: rest });
  const [line] = await child.waitFor(/^\{.*\}$/m, 1000 * seconds + START_TIMEOUT);
  await child.stop();
  const report = JSON.parse(line) as Report;
  if (report.errors > 0 || report.recv === 0 || report.peers_per === 0) {
    throw new Error(`expected answers with peers, found ${line}`);
  }
  return report;
}

/** Milliseconds from the start of the process, configured as it is without a file, to its first answer over UDP. */
export async function firstAnswer(): Promise<number> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const config = {
    metrics_addr: `127.0.0.1:${metricsPort}`,
    http: { addr: `:${port}` },
    udp: { addr: `:${port}` },
    storage: { name: 'memory' },
  };
  const socket = createSocket('udp4');
  // Nobody listens yet, and the system says so.
  socket.on('error', () => {});
  const packet = new Uint8Array(CONNECT_LENGTH);
  writeConnect(packet, 0, 1);
  const began = performance.now();
  const asking = setInterval(() => socket.send(packet, port, '127.0.0.1', () => {}), ASK_EVERY);
  const { took, stop } = await start(config, undefined, async () => {
    await once(socket, 'message');
    return { took: performance.now() - began };
  });
  clearInterval(asking);
  socket.close();
  await stop();
  return took;
}

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
