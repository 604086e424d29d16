/** Lists of hooks in the tracker as a process: who reads them, and what clients are told while they change. */

import {
  closeSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Infohash } from '../../src/bittorrent/infohash.ts';
import { eventually } from '../support/eventually.ts';
import { someInfohash } from '../support/requests.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

const WORKERS = 3;
const CLIENTS = 24;

/** Infohashes that are asked for: those of an even number are on some lists, those of an odd one on others, … */
const probes = Array.from({ length: 40 }, (_, i) => someInfohash(`probe ${i}`));
const always = probes.slice(0, 10);
const even = probes.slice(10, 20);
const odd = probes.slice(20, 30);
/** … and many more, between which these stand. */
const others = Array.from({ length: 20_000 }, (_, i) => someInfohash(`other ${i}`).hex);

/** An infohash and a line feed. */
const LINE = 41;

type Version = ReadonlySet<Infohash>;

const EVEN: Version = new Set([...always, ...even]);
const ODD: Version = new Set([...always, ...odd]);
const NONE: Version = new Set();

function textOf(version: Version): string {
  const lines = [...others];
  for (const [i, infohash] of [...version].entries()) lines.splice(i * 1000, 0, infohash.hex);
  return `${lines.join('\n')}\n`;
}

interface Answer {
  readonly probe: Infohash;
  readonly sent: number;
  readonly received: number;
  readonly approved: boolean;
}

/** Clients that announce one probe after another, each waiting for its answer. */
class Load {
  answers: Answer[] = [];
  readonly #running: Promise<void>[] = [];
  #going = true;

  static async start(port: number): Promise<Load> {
    const load = new Load();
    for (let i = 0; i < CLIENTS; i++) load.#running.push(load.#run(await UdpClient.open(port), 7 * i));
    return load;
  }

  async #run(client: UdpClient, first: number): Promise<void> {
    const connectionId = await client.connect();
    for (let i = first; this.#going; i++) {
      const probe = probes[i % probes.length] as Infohash;
      const sent = performance.now();
      const answer = await client.ask(announcePacket({ connectionId, infohash: probe.bytes }));
      const approved = answer.readUInt32BE(0) === 1;
      if (!approved) expect(answer.toString('latin1', 8)).toBe('unapproved torrent\0');
      this.answers.push({ probe, sent, received: performance.now(), approved });
    }
    await client.close();
  }

  async stop(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#running);
  }
}

describe.skipIf(process.platform !== 'linux')('lists of hooks', () => {
  let path: string;

  beforeEach(() => {
    const directory = mkdtempSync(join(tmpdir(), 'chihaya-lists-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    path = join(directory, 'torrents.txt');
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<TrackerProcess> {
    const config = {
      workers: WORKERS,
      udp: { addr: '127.0.0.1:0', private_key: 'secret' },
      prehooks: [{ name: 'torrent approval', options: { whitelist_file: path } }],
    };
    const tracker = await TrackerProcess.start(config, undefined, env);
    onTestFinished(() => tracker.stop());
    return tracker;
  }

  function replaceByRename(version: Version): void {
    writeFileSync(`${path}.new`, textOf(version));
    renameSync(`${path}.new`, path);
  }

  test('are read by the thread above the workers alone', async () => {
    replaceByRename(EVEN);
    const code = `
      import files from 'node:fs/promises';
      import { syncBuiltinESMExports } from 'node:module';
      import { threadId } from 'node:worker_threads';
      const { open } = files;
      files.open = (path, ...rest) => {
        if (String(path).endsWith('torrents.txt')) console.error('list opened by thread ' + threadId);
        return open(path, ...rest);
      };
      syncBuiltinESMExports();
      console.error('thread ' + threadId + ' is watched');`;
    const tracker = await start({
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
    });
    replaceByRename(ODD);
    await tracker.process.waitFor(/a list has changed, and was read/, 5000);
    const { output } = tracker.process;
    expect(output.match(/thread \d is watched/g)).toHaveLength(1 + WORKERS);
    expect(output.match(/list opened by thread \d/g)).toEqual(Array(2).fill('list opened by thread 0'));
  });

  test('no announce is answered by a half-read list, whatever becomes of the file', {
    timeout: 120_000,
  }, async () => {
    replaceByRename(EVEN);
    const tracker = await start();
    const load = await Load.start(Number(tracker.address('udp').port));
    /** For a while, and until every probe has been asked for often. */
    const goOn = async () => {
      await setTimeout(100);
      await eventually('answers', () => load.answers.length > probes.length * 5);
    };

    /** Until `change` shows, all answers are of `before`; afterwards all are of `after`. */
    async function becomes(
      before: Version,
      after: Version,
      change: () => void | Promise<void>,
    ): Promise<void> {
      load.answers = [];
      await change();
      await eventually('the new list', () =>
        load.answers.some(
          ({ probe, approved }) => before.has(probe) !== after.has(probe) && approved === after.has(probe),
        ),
      );
      await goOn();
      let lastOfOld = 0;
      let firstOfNew = Number.POSITIVE_INFINITY;
      for (const { probe, sent, received, approved } of load.answers) {
        if (before.has(probe) === after.has(probe)) expect(approved).toBe(after.has(probe));
        else if (approved === after.has(probe)) firstOfNew = Math.min(firstOfNew, received);
        else lastOfOld = Math.max(lastOfOld, sent);
      }
      // What was asked after somebody had been answered by the new list was answered by the new list.
      expect(lastOfOld).toBeLessThanOrEqual(firstOfNew);
    }

    /** All answers are of `version`, long after a change would have been taken. */
    async function stays(version: Version, change: () => void, problem: RegExp): Promise<void> {
      const told = tracker.problems().length;
      load.answers = [];
      change();
      await eventually('the problem', () => tracker.problems().length > told);
      await goOn();
      expect(tracker.problems().slice(told)).toEqual([
        expect.objectContaining({ level: 'error', msg: expect.stringMatching(problem) }),
      ]);
      for (const { probe, approved } of load.answers) expect(approved).toBe(version.has(probe));
    }

    await becomes(EVEN, ODD, () => replaceByRename(ODD));
    await becomes(ODD, EVEN, async () => {
      const text = textOf(EVEN);
      const file = openSync(path, 'w');
      // Whole lines each time, so that every part would be a list, too; far more often than a list must have rested.
      for (let at = 0; at < text.length; at += 600 * LINE) {
        writeSync(file, text.slice(at, at + 600 * LINE));
        await setTimeout(40);
      }
      closeSync(file);
      for (const { probe, approved } of load.answers) expect(approved).toBe(ODD.has(probe));
    });
    await stays(
      EVEN,
      () => truncateSync(path, 400_000),
      /torrents\.txt:9757: expected an infohash .*stays as it was/,
    );
    await becomes(EVEN, ODD, () => replaceByRename(ODD));
    await stays(ODD, () => rmSync(path), /torrents\.txt: cannot be read: ENOENT; the list stays as it was/);
    await becomes(ODD, EVEN, () => writeFileSync(path, textOf(EVEN)));
    await becomes(EVEN, NONE, () => writeFileSync(path, ''));
    await becomes(NONE, ODD, () => {
      replaceByRename(ODD);
      process.kill(tracker.process.pid, 'SIGHUP');
    });
    await load.stop();
    expect(tracker.alive).toBe(true);
  });
});
