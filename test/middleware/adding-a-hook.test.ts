/** Follows docs/middleware/adding-a-hook.md to the letter, in a copy of the sources. */

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

interface Block {
  readonly path: string;
  /** `insert` for an import, `entry` for a line of the table; absent for a whole file. */
  readonly where: string | undefined;
  readonly code: string;
}

/** Every fenced block with a `title`. */
async function readBlocks(): Promise<Block[]> {
  const page = await readFile(join(root, 'docs/middleware/adding-a-hook.md'), 'utf8');
  const fences = page.matchAll(/^```ts title=(\S+)(?: (\w+))?\n(.*?)^```$/gms);
  return [...fences].map(([, path = '', where, code = '']) => ({ path, where, code }));
}

describe('docs/middleware/adding-a-hook.md', () => {
  let copy: string;
  let blocks: Block[];

  beforeAll(async () => {
    blocks = await readBlocks();
    copy = await mkdtemp(join(tmpdir(), 'chihaya-adding-a-hook-'));
    await mkdir(join(copy, 'test'));
    for (const name of ['src', 'test/conformance', 'test/support', 'package.json', 'tsconfig.json']) {
      await cp(join(root, name), join(copy, name), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const { path, where, code } of blocks) {
      const file = join(copy, path);
      await mkdir(dirname(file), { recursive: true });
      if (where === undefined) {
        await writeFile(file, code);
        continue;
      }
      const text = await readFile(file, 'utf8');
      const before = where === 'insert' ? /^import /m : /^\];$/m;
      expect(text).toMatch(before);
      await writeFile(
        file,
        text.replace(before, (found) => code + found),
      );
    }
  });

  afterAll(() => rm(copy, { recursive: true, force: true }));

  it('shows all that is needed: three files and two lines', () => {
    expect(blocks.map(({ path, where }) => [path, where])).toEqual([
      ['src/middleware/minimum-port/config.ts', undefined],
      ['src/middleware/minimum-port/driver.ts', undefined],
      ['src/middleware/drivers.ts', 'insert'],
      ['src/middleware/drivers.ts', 'entry'],
      ['test/middleware/minimum-port.test.ts', undefined],
    ]);
  });

  it('compiles', async () => {
    const config = {
      extends: './tsconfig.json',
      files: ['src/middleware/drivers.ts', 'test/middleware/minimum-port.test.ts'],
      include: [],
    };
    await writeFile(join(copy, 'tsconfig.page.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await expect(
      run(process.execPath, [tsc, '-p', 'tsconfig.page.json'], { cwd: copy }),
    ).resolves.toBeDefined();
  }, 60_000);

  it('passes its own test and the conformance suite', async () => {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--root', copy, '--reporter=json', 'test/middleware/minimum-port.test.ts'];
    const { stdout } = await run(process.execPath, args, { cwd: copy });
    const report = JSON.parse(stdout.slice(stdout.indexOf('{')));
    expect(report).toMatchObject({ success: true, numFailedTests: 0, numPendingTests: 0 });
    expect(report.numPassedTests).toBeGreaterThanOrEqual(15);
  }, 60_000);

  it('puts the hook in the table', async () => {
    const script =
      "import { hookDrivers } from './src/middleware/drivers.ts'; import { expect, it } from 'vitest';" +
      "it('is there', () => expect(hookDrivers.map((d) => d.name)).toContain('minimum port'));";
    await writeFile(join(copy, 'test/table.test.ts'), script);
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    await run(process.execPath, [vitest, 'run', '--root', copy, 'test/table.test.ts'], { cwd: copy });
  }, 60_000);
});
