import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandPath, seemsToWantOneWorker } from '../../src/cli/config-path.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('expandPath', () => {
  const env = { HOME: '/home/a', X_1: 'x' };
  it.each([
    ['$HOME/c.yaml', '/home/a/c.yaml'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is tested
    ['/etc/${X_1}y', '/etc/xy'],
    ['$X_1.yaml', 'x.yaml'],
    ['$NOT_SET/c', '/c'],
    ['/a$/b', '/a$/b'],
  ])('%s', (path, expanded) => expect(expandPath(path, env)).toBe(expanded));
});

describe('seemsToWantOneWorker', () => {
  it.each([
    ['chihaya:\n  workers: 1\n', true],
    ['{"chihaya":{"workers":1}}', true],
    ['chihaya:\n  workers: 16\n', false],
    ['chihaya:\n  # workers: 1\n', false],
    ['chihaya: {}\n', false],
  ])('of %j: %s', (text, expected) => {
    const path = join(temporaryDirectory(), 'chihaya.yaml');
    writeFileSync(path, text);
    expect(seemsToWantOneWorker({ config: path })).toBe(expected);
  });

  it('does not read what can be read only once', () => {
    expect(seemsToWantOneWorker({ config: '/dev/null' })).toBe(false);
  });
});
