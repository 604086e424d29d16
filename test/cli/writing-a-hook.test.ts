/** Follows docs/middleware/writing-a-hook.md to the letter, in a directory of its own. */

import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { announceHttp, announceUdp } from '../support/announces.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { chihaya } from './chihaya.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const workers = process.platform === 'linux' ? 2 : 1;

describe('docs/middleware/writing-a-hook.md', () => {
  let directory: string;
  let titles: string[];
  const at = (...names: string[]) => join(directory, ...names);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chihaya-writing-a-hook-'));
    const page = await readFile(join(root, 'docs/middleware/writing-a-hook.md'), 'utf8');
    const blocks = [...page.matchAll(/^```\w+ title=(\S+)\n(.*?)^```$/gms)];
    titles = blocks.map(([, title = '']) => title);
    for (const [, title = '', code = ''] of blocks) {
      await mkdir(dirname(at(title)), { recursive: true });
      await writeFile(at(title), code);
    }
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** Starts a tracker with what the page's configuration has, on other ports. */
  const start = async (changes: readonly (readonly [string | RegExp, string])[] = []) => {
    let text = await readFile(at('chihaya.yaml'), 'utf8');
    const others = [
      ['"127.0.0.1:6880"', '"127.0.0.1:0"'],
      [/":6969"/g, '"127.0.0.1:0"'],
    ] as const;
    for (const [from, to] of [...others, ...changes]) {
      expect(text).toMatch(from);
      text = text.replace(from, to);
    }
    const path = at(`${changes.length}-${Date.now()}.yaml`);
    await writeFile(path, `${text}  workers: ${workers}\n`);
    const tracker = await TrackerProcess.run(path);
    onTestFinished(() => tracker.stop());
    return tracker;
  };

  const answers = async (tracker: TrackerProcess, port: number) => [
    (await announceHttp(tracker.address('http'), { port })).failure,
    (await announceUdp(tracker.address('udp'), '', { port })).failure,
  ];

  it('shows all that is needed', () => {
    expect(titles).toEqual([
      'hooks/package.json',
      'hooks/reserved-ports.js',
      'chihaya.yaml',
      'hooks/reserved-ports.test.js',
      'hooks/reserved-ports-file.js',
      'hooks/reserved-ports-typed.ts',
      'hooks/seedbox.js',
    ]);
  });

  it('the hook runs with nothing installed', async () => {
    const tracker = await start();
    for (let i = 0; i < 4; i++) {
      expect(await answers(tracker, 443)).toEqual(['reserved port', 'reserved port']);
      expect(await answers(tracker, 6881)).toEqual([undefined, undefined]);
    }
    expect(await (await fetch(tracker.metrics as string)).text()).toMatch(
      /^reserved_ports_refused_total 8$/m,
    );
    expect(tracker.problems().filter(({ msg }) => !/private_key/.test(String(msg)))).toEqual([]);
  });

  it('a mistake is told as the page says', async () => {
    const page = await readFile(join(root, 'docs/middleware/writing-a-hook.md'), 'utf8');
    const message = /^chihaya\.yaml:.*$/m.exec(page)?.[0] ?? 'no message';
    const text = await readFile(at('chihaya.yaml'), 'utf8');
    await writeFile(at('mistake.yaml'), text.replace(/ports: .*/, 'ports: [0]'));
    const { stderr } = await chihaya(['--config', at('mistake.yaml')]);
    expect(stderr).toContain(message.replace('chihaya.yaml', at('mistake.yaml')));
  });

  it('its test passes, the tracker being installed beside it', async () => {
    await mkdir(at('node_modules'));
    await symlink(root, at('node_modules/chihaya'));
    const args = ['--test', '--test-reporter=tap', 'hooks/reserved-ports.test.js'];
    const { stdout } = await run(process.execPath, args, { cwd: directory });
    expect(stdout).toMatch(/^# pass 3$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });

  it('a list is read from a file once, again on SIGHUP, and kept if that fails', async () => {
    await writeFile(at('ports'), '22\n80\n');
    const tracker = await start([
      ['reserved-ports.js', 'reserved-ports-file.js'],
      [/ports: .*/, `path: ${at('ports')}`],
    ]);
    expect(await answers(tracker, 22)).toEqual(['reserved port', 'reserved port']);
    expect(await answers(tracker, 23)).toEqual([undefined, undefined]);

    await writeFile(at('ports'), '23\n');
    process.kill(tracker.process.pid, 'SIGHUP');
    // Each worker is told, each in its own time.
    await expect
      .poll(async () => {
        const all = await Promise.all(Array.from({ length: 8 }, () => answers(tracker, 23)));
        return all.flat().every((failure) => failure === 'reserved port');
      })
      .toBe(true);
    expect(await answers(tracker, 22)).toEqual([undefined, undefined]);

    await rm(at('ports'));
    process.kill(tracker.process.pid, 'SIGHUP');
    await tracker.process.waitFor(/the one before stays: reserved ports of a file: ENOENT/, 20_000);
    expect(await answers(tracker, 23)).toEqual(['reserved port', 'reserved port']);
  });

  it('a seedbox is given to those who want peers', async () => {
    const tracker = await start([
      ['reserved-ports.js', 'seedbox.js'],
      [/ports: .*/, 'address: 192.0.2.9\n        port: 51413'],
    ]);
    const announce = async (numwant: number) => {
      const query = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=1&uploaded=0&downloaded=0&left=1&compact=1`;
      const response = await fetch(`${tracker.address('http').href}announce?${query}&numwant=${numwant}`);
      return Buffer.from(await response.arrayBuffer()).toString('latin1');
    };
    expect(await announce(50)).toContain('5:peers6:\xc0\x00\x02\x09\xc8\xd5e');
    expect(await announce(0)).toMatch(/5:peers0:e$/);
  });

  it('the typed one compiles under strict rules, and runs', async () => {
    const page = await readFile(join(root, 'docs/middleware/writing-a-hook.md'), 'utf8');
    const [, flags = ''] = /`npx tsc (.*?)`/.exec(page) ?? [];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, ...flags.split(' ')], { cwd: directory });
    await copyFile(at('hooks/reserved-ports-typed.js'), at('hooks/compiled.js'));
    const tracker = await start([['reserved-ports.js', 'compiled.js']]);
    expect(await answers(tracker, 80)).toEqual(['reserved port', 'reserved port']);
    expect(await answers(tracker, 6881)).toEqual([undefined, undefined]);
  }, 60_000);
});
