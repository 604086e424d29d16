/** The processes of the Redis benchmark: Redis and the generators share a core, the tracker has one. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningProcess } from '../../test/support/running-process.ts';
import { GENERATOR_CORE, pinned, SERVER_CORE } from '../load/pinning.ts';
import type { Report } from '../load/report.ts';

/** From `build-bench/bench/redis`. */
const TRACKER = join(import.meta.dirname, '../../../build/cli/main.js');
const START_TIMEOUT = 20_000;

/** Why this cannot be run here; `undefined` if it can. */
export function whyNot(): string | undefined {
  if (!existsSync(TRACKER)) return `${TRACKER} does not exist: run "npm run build" first`;
  const missing = ['redis-server', 'redis-benchmark'].filter(
    (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0,
  );
  return missing.length === 0 ? undefined : `${missing.join(' and ')} must be installed`;
}

export class Redis {
  readonly port: number;
  readonly #process: RunningProcess;
  readonly #directory: string;

  static async start(): Promise<Redis> {
    const directory = await mkdtemp(join(tmpdir(), 'chihaya-bench-redis-'));
    const port = await freePort();
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory];
    const [file, ...args] = pinned(GENERATOR_CORE, 'redis-server', options);
    const child = new RunningProcess({ file, args });
    await child.waitFor(/Ready to accept connections/, START_TIMEOUT);
    return new Redis(port, child, directory);
  }

  private constructor(port: number, child: RunningProcess, directory: string) {
    this.port = port;
    this.#process = child;
    this.#directory = directory;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process.pid;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Requests a second that redis-benchmark gets of a command, `__rand_int__` in it being below `range`. */
export async function redisBenchmark(
  redis: Redis,
  options: { readonly requests: number; readonly range: number; readonly pipeline: number },
  command: readonly string[],
): Promise<number> {
  const flags = [
    '-p',
    redis.port,
    '-c',
    1,
    '-n',
    options.requests,
    '-P',
    options.pipeline,
    '-r',
    options.range,
  ];
  const args = [...flags.map(String), '--csv', ...command];
  const [file, ...rest] = pinned(SERVER_CORE, 'redis-benchmark', args);
  const child = new RunningProcess({ file, args: rest });
  const [, rate] = await child.waitFor(/^"EVALSHA[^\n]*?","([\d.]+)"/m, 120_000);
  if (child.output.includes('Error from server')) throw new Error(child.output);
  await child.stop();
  return Number(rate);
}

/** A tracker of one thread over Redis, while `use` runs. */
export async function withTracker<T>(
  redis: Redis,
  config: object,
  use: (tracker: { readonly port: number; readonly pid: number }) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'chihaya-bench-'));
  const path = join(directory, 'chihaya.yaml');
  const storage = { name: 'redis', config: { redis_broker: redis.url, ...config } };
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ chihaya: { workers: 1, udp: { addr: '127.0.0.1:0' }, storage } }));
  const [file, ...args] = pinned(SERVER_CORE, process.execPath, [
    TRACKER,
    '--json',
    '--allow-root',
    '--config',
    path,
  ]);
  const child = new RunningProcess({ file, args });
  try {
    const [line] = await child.waitFor(/^\{.*"msg":"ready".*\}$/m, START_TIMEOUT);
    const [address = ''] = (JSON.parse(line) as { addresses: string[] }).addresses;
    return await use({ port: Number(new URL(address).port), pid: child.pid });
  } finally {
    await child.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Announces over UDP (bench/load/udp-load.ts). */
export async function announce(
  port: number,
  seconds: number,
  options: Readonly<Record<string, number>>,
): Promise<Report> {
  const program = join(import.meta.dirname, '../load/udp-load.js');
  const flags = Object.entries({ port, seconds, ...options }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  const [file, ...args] = pinned(GENERATOR_CORE, process.execPath, [program, ...flags.map(String)]);
  const child = new RunningProcess({ file, args });
  const [line] = await child.waitFor(/^\{.*\}$/m, 1000 * seconds + 30_000);
  await child.stop();
  const report = JSON.parse(line) as Report;
  if (report.errors > 0 || report.recv === 0 || report.peers_per === 0) throw new Error(line);
  return report;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
