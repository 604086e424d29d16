import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type EntryTaker, readListFile } from '../../src/pkg/list-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'chihaya-list-'));
const path = join(directory, 'list');
afterAll(() => rmSync(directory, { recursive: true }));

/** Takes words of three letters. */
class Words implements EntryTaker {
  readonly shortest = 3;
  readonly secret: boolean;
  readonly cuttable: boolean;
  readonly taken: string[] = [];
  most = 0;

  constructor(options: { secret?: boolean; cuttable?: boolean } = {}) {
    this.secret = options.secret ?? false;
    this.cuttable = options.cuttable ?? false;
  }

  begin(most: number): void {
    this.most = most;
  }

  take(text: Uint8Array, start: number, end: number): string | undefined {
    const word = Buffer.from(text.subarray(start, end)).toString('latin1');
    if (!/^[a-z]{3}$/.test(word)) return 'a word of three letters';
    this.taken.push(word);
    return undefined;
  }
}

async function read(text: string, words = new Words()): Promise<string[]> {
  writeFileSync(path, text);
  expect(await readListFile(path, words)).toBe(true);
  expect(words.taken.length).toBeLessThanOrEqual(words.most);
  return words.taken;
}

describe('readListFile', () => {
  it.each([
    ['', []],
    ['\n\n', []],
    ['abc', ['abc']],
    ['abc\ndef\n', ['abc', 'def']],
    ['abc\r\n\r\ndef\r\n', ['abc', 'def']],
    ['\ufeffabc\ndef', ['abc', 'def']],
    ['# a comment\nabc # one more\n#\n  \t\ndef#\n', ['abc', 'def']],
    [' abc\t\n\tdef \r\n', ['abc', 'def']],
    ['abc\nabc\n', ['abc', 'abc']],
  ])('%j', async (text, entries) => {
    expect(await read(text)).toEqual(entries);
  });

  it('reads lines across the pieces that it reads in', async () => {
    const words = Array.from({ length: 120_000 }, (_, i) =>
      [26 * 26, 26, 1].map((unit) => String.fromCharCode(97 + (Math.floor(i / unit) % 26))).join(''),
    );
    expect(await read(words.join('\n'))).toEqual(words);
    expect(await read(`# ${'x'.repeat(100_000)}\n${'\n'.repeat(50_000)}abc`)).toEqual(['abc']);
  });

  it.each([
    ['abc\nde', `${path}:2: expected a word of three letters, found "de"`],
    ['abc\n# x\n\ndef def\nghi\n', `${path}:4: expected a word of three letters, found "def def"`],
    ['ab\ufeffc', `${path}:1: expected a word of three letters, found "ab\ufeffc"`],
    ['abc\n\0\0\0\0', `${path}:2: expected a word of three letters, found "\\u0000\\u0000\\u0000\\u0000"`],
    [
      `abc\n${'x'.repeat(200_000)}`,
      `${path}:2: expected a line of less than 131072 bytes, found "a longer one"`,
    ],
  ])('refuses %j', async (text, message) => {
    await expect(read(text)).rejects.toThrow(new Error(message));
  });

  it('does not show what is secret', async () => {
    await expect(read('abc\nhunter2\n', new Words({ secret: true }))).rejects.toThrow(
      new Error(`${path}:2: expected a word of three letters, found another value (not shown: it is secret)`),
    );
  });

  it('takes no last line without its end where that may be a part of an entry', async () => {
    const cuttable = () => new Words({ cuttable: true });
    await expect(read('abc\ndef', cuttable())).rejects.toThrow(
      new Error(`${path}:2: expected a line end after the last entry, which may have been cut off`),
    );
    expect(await read('abc\ndef\n', cuttable())).toEqual(['abc', 'def']);
    expect(await read('abc\n# the end', cuttable())).toEqual(['abc']);
  });

  it.each([
    [join(directory, 'nothing'), 'cannot be read: ENOENT'],
    [directory, 'cannot be read: expected a file, found a directory'],
    ['/dev/null', 'cannot be read: expected a file, found none'],
  ])('says why %s cannot be read', async (where, why) => {
    await expect(readListFile(where, new Words())).rejects.toThrow(new Error(`${where}: ${why}`));
  });

  it('notices that a file changes while it is read', async () => {
    writeFileSync(path, 'abc\n'.repeat(100_000));
    class Slow extends Words {
      override begin(): void {
        appendFileSync(path, 'def\n');
      }
    }
    expect(await readListFile(path, new Slow())).toBe(false);
  });
});
