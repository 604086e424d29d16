/** What load is put on: each a process of its own, started anew for every run, so that all begin empty. */

import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RunningProcess } from '../../test/support/running-process.ts';
import { MOST_SOURCES, sourceAddress } from './client-sockets.ts';
import { pinned, SERVER_CORE } from './pinning.ts';
import { infohashName, passkeyName } from './workload.ts';

/** From `build-bench/bench/load`. */
const TRACKER = join(import.meta.dirname, '../../../build/cli/main.js');
const OPENTRACKER = ['/usr/bin/opentracker', '/usr/local/bin/opentracker'].find((path) => existsSync(path));
const START_TIMEOUT = 20_000;

export interface RunningTarget {
  readonly pid: number;
  readonly ports: { readonly udp?: number; readonly http?: number };
  /** Whether it has ended without being asked to. */
  readonly ended: () => boolean;
  stop(): Promise<void>;
}

export interface Target {
  readonly name: string;
  /** What it can be asked. */
  readonly loads: readonly ('udp' | 'udp apart' | 'udp swarm' | 'http' | 'http close')[];
  /** It must not cost more than so many times what the load's first target does. */
  readonly mostTimes?: number;
  /** Why it cannot be run here. */
  readonly missing?: string | undefined;
  /** What the generator is told beside. */
  readonly args?: readonly string[];
  /** Resolves when it answers. @param infohashes numbers below this will be asked for */
  start(infohashes: number): Promise<RunningTarget>;
}

/** What stands under `prehooks`; files that it names lie in `directory`. */
type MakeHooks = (directory: string, infohashes: number) => Promise<readonly object[]>;

function chihaya(name: string, loads: Target['loads'], hooks: MakeHooks = async () => []): Target {
  return {
    name,
    loads,
    missing: existsSync(TRACKER) ? undefined : `${TRACKER} does not exist: run "npm run build" first`,
    async start(infohashes) {
      const directory = await mkdtemp(join(tmpdir(), 'chihaya-bench-'));
      const path = join(directory, 'chihaya.yaml');
      const addr = '127.0.0.1:0';
      const prehooks = await hooks(directory, infohashes);
      const config = { http: { addr, enable_keepalive: true }, udp: { addr }, prehooks };
      // JSON is YAML.
      await writeFile(path, JSON.stringify({ chihaya: config }));
      const child = spawn([process.execPath, TRACKER, '--json', '--allow-root', '--config', path]);
      const [line] = await child.waitFor(/^\{.*"msg":"ready".*\}$/m, START_TIMEOUT);
      const { addresses } = JSON.parse(line) as { addresses: string[] };
      const port = (protocol: string) =>
        Number(new URL(addresses.find((address) => address.startsWith(`${protocol}:`)) ?? '').port);
      return {
        pid: child.pid,
        ports: { udp: port('udp'), http: port('http') },
        ended: () => child.ended,
        stop: () => stopAndRemove(child, directory),
      };
    },
  };
}

/** The tracker with the hook `subnet preference`, the generator's addresses being its racks. */
function nearPeersFirst(what: string, options: object): Target {
  const hook = { name: 'subnet preference', options };
  return {
    ...chihaya(`chihaya, near peers first, by ${what}`, ['udp swarm'], async () => [hook]),
    mostTimes: 3,
  };
}

const racks = Object.fromEntries(
  Array.from({ length: MOST_SOURCES }, (_, i) => [`rack ${i}`, [sourceAddress(i)]]),
);

/** Torrents and users of the tracker with hooks: far more than are asked for, as in life. */
const LISTED = 1_000_000;
const PASSKEYS = 50_000;

async function fourHooks(directory: string, infohashes: number): Promise<object[]> {
  const torrents = join(directory, 'torrents.txt');
  const names = Array.from({ length: LISTED }, (_, i) =>
    i < infohashes
      ? Buffer.from(infohashName(i)).toString('hex')
      : Math.imul(i, 0x9e3779b1).toString(16).replace('-', 'f').padStart(40, '0'),
  );
  await writeFile(torrents, `${names.join('\n')}\n`);
  const passkeys = join(directory, 'passkeys.txt');
  const keys = Array.from({ length: PASSKEYS }, (_, i) => passkeyName(i, PASSKEYS));
  await writeFile(passkeys, `${keys.join('\n')}\n`);
  return [
    { name: 'client approval', options: { whitelist: ['TR4050', 'LT20D0', 'qB4630'] } },
    { name: 'torrent approval', options: { whitelist_file: torrents } },
    { name: 'passkey approval', options: { keys_file: passkeys } },
    {
      name: 'interval variation',
      options: { modify_response_probability: 0.2, max_increase_delta: 60 },
    },
  ];
}

/** A program of this folder that says `ready` and its port. */
function constant(name: string, file: string, load: 'udp' | 'http'): Target {
  return {
    name,
    loads: load === 'udp' ? ['udp', 'udp apart'] : ['http', 'http close'],
    async start() {
      const child = spawn([process.execPath, join(import.meta.dirname, file)]);
      const [, port] = await child.waitFor(/^ready (\d+)$/m, START_TIMEOUT);
      return {
        pid: child.pid,
        ports: { [load]: Number(port) },
        ended: () => child.ended,
        stop: () => child.stop(),
      };
    },
  };
}

/**
 * opentracker as Debian builds it: it serves the infohashes of a list alone, takes paths relative to its root
 * directory, and must not stay root.
 */
function opentracker(name: string, loads: Target['loads'], udpWorkers: number): Target {
  return {
    name,
    loads,
    missing: OPENTRACKER ? undefined : 'it is not installed',
    async start(infohashes) {
      const directory = await mkdtemp(join(tmpdir(), 'opentracker-bench-'));
      await chmod(directory, 0o755);
      const names = Array.from({ length: infohashes }, (_, i) =>
        Buffer.from(infohashName(i)).toString('hex'),
      );
      await writeFile(join(directory, 'whitelist'), `${names.join('\n')}\n`);
      const port = await freePort();
      const lines = [
        `tracker.rootdir ${directory}`,
        'tracker.user _opentracker',
        'access.whitelist whitelist',
        `listen.udp.workers ${udpWorkers}`,
        `listen.udp 127.0.0.1:${port}`,
        `listen.tcp 127.0.0.1:${port}`,
      ];
      const path = join(directory, 'opentracker.conf');
      await writeFile(path, `${lines.join('\n')}\n`);
      const child = spawn([OPENTRACKER as string, '-f', path]);
      await listening(port, child);
      return {
        pid: child.pid,
        ports: { udp: port, http: port },
        ended: () => child.ended,
        stop: () => stopAndRemove(child, directory),
      };
    },
  };
}

export const targets: readonly Target[] = [
  chihaya('chihaya', ['udp', 'udp apart', 'udp swarm', 'http', 'http close']),
  { ...chihaya('chihaya, four hooks', ['udp'], fourHooks), args: ['--passkeys', String(PASSKEYS)] },
  nearPeersFirst('prefix', { ipv4_prefixes: [32, 16] }),
  nearPeersFirst('group', { groups: racks }),
  constant('constant answer, recvmmsg from Node', 'udp-constant.js', 'udp'),
  constant('constant answer, node:http', 'http-constant.js', 'http'),
  constant('constant answer, node:net', 'net-constant.js', 'http'),
  opentracker('opentracker', ['udp', 'http close'], 0),
  opentracker('opentracker, one UDP worker', ['udp', 'udp apart'], 1),
];

function spawn([file = '', ...args]: readonly string[]): RunningProcess {
  const [program, ...rest] = pinned(SERVER_CORE, file, args);
  return new RunningProcess({ file: program, args: rest });
}

async function stopAndRemove(child: RunningProcess, directory: string): Promise<void> {
  await child.stop();
  await rm(directory, { recursive: true, force: true });
}

/** A port that nothing listens on, for a program that cannot choose one itself. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when a program that says nothing of itself takes connections. */
async function listening(port: number, child: RunningProcess): Promise<void> {
  for (const end = Date.now() + START_TIMEOUT; Date.now() < end; ) {
    if (child.ended) break;
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await setTimeout(20);
  }
  throw new Error(`nothing listens on port ${port}; it said:\n${child.output}`);
}
