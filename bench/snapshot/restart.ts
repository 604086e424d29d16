/**
 * The built tracker, stopped and started again with millions of peers, of whom some expire in between: is everybody
 * else back, and how long are clients without a tracker?
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { save } from '../../src/storage/memory/snapshot/save.ts';
import { SnapshotFile } from '../../src/storage/memory/snapshot/snapshot-file.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { RunningProcess } from '../../test/support/running-process.ts';
import { setInfohash, setPeer } from '../support/numbered.ts';
import { createStore } from '../support/store.ts';

const PEERS = 5_000_000;
const SWARMS = 50_000;

/** One in so many has not been heard of for longer than `peer_lifetime`. */
const EXPIRED = 10;
const LIFETIME = 1_800_000;
const TIMEOUT = 60_000;

/** Written into a URL of 127.0.0.1 by the tracker itself. */
interface Ready {
  readonly metrics: string;
}

export interface Restart {
  /** Peers of the file, those that were in time, and those that the metrics tell of after each start. */
  readonly peers: number;
  readonly expected: number;
  readonly found: readonly number[];
  /** Seconds from SIGTERM to the end of the process, and from its start to `ready`. */
  readonly stopped: number;
  readonly started: number;
}

export async function measureRestart(directory: string): Promise<Restart> {
  const path = join(directory, 'snapshot');
  const expected = await prepare(path);
  const config = join(directory, 'chihaya.yaml');
  const storage = { config: { snapshot_path: path } };
  const chihaya = { workers: 1, metrics_addr: '127.0.0.1:0', udp: { addr: '127.0.0.1:0' }, storage };
  writeFileSync(config, JSON.stringify({ chihaya }));

  const first = await start(config);
  const before = await peersOf(first.ready);
  const stopping = performance.now();
  await first.child.stop('SIGTERM', TIMEOUT);
  const stopped = performance.now() - stopping;
  const second = await start(config);
  const after = await peersOf(second.ready);
  await second.child.stop('SIGTERM', TIMEOUT);
  return {
    peers: PEERS,
    expected,
    found: [before, after],
    stopped: stopped / 1000,
    started: second.seconds,
  };
}

/** Writes the snapshot that the first start finds. Returns how many of its peers are in time. */
async function prepare(path: string): Promise<number> {
  const now = Date.now();
  const clock = new ManualClock(now - 2 * LIFETIME);
  const store = createStore(clock);
  const infohash = new Infohash();
  const peer = new Peer();
  const expired = PEERS / EXPIRED;
  for (let n = 0; n < PEERS; n++) {
    if (n === expired) clock.advance(2 * LIFETIME);
    setInfohash(infohash, n % SWARMS);
    setPeer(peer, n);
    if (n % 2 === 0) store.putSeeder(infohash, peer);
    else store.putLeecher(infohash, peer);
  }
  await new SnapshotFile(path).replace((file) => save(store, file, now, () => false));
  return PEERS - expired;
}

async function start(config: string): Promise<{ child: RunningProcess; ready: Ready; seconds: number }> {
  const program = join(import.meta.dirname, '../../../build/cli/chihaya.cjs');
  const begun = performance.now();
  const args = [program, '--json', '--allow-root', '--config', config];
  const child = new RunningProcess({ file: process.execPath, args });
  const [line] = await child.waitFor(/^\{.*"msg":"ready".*\}$/m, TIMEOUT);
  return { child, ready: JSON.parse(line) as Ready, seconds: (performance.now() - begun) / 1000 };
}

/** What the metrics say; they are published once a second, the first time at the start. */
async function peersOf({ metrics }: Ready): Promise<number> {
  const text = await (await fetch(metrics)).text();
  const count = (name: string) =>
    Number(new RegExp(`^chihaya_storage_${name}_count (.*)$`, 'm').exec(text)?.[1]);
  return count('seeders') + count('leechers');
}
