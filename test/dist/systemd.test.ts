/** The unit: that systemd understands it, and that it stays as closed as the handbook says. */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runToEnd, testWith } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const UNIT = 'dist/systemd/chihaya.service';
const unit = readFileSync(UNIT, 'utf8');

test('the unit takes away what the tracker does not need', () => {
  for (const line of [
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'CapabilityBoundingSet=',
    'User=chihaya',
  ]) {
    expect(unit.split('\n')).toContain(line);
  }
});

testWith('systemd-analyze', 'systemd-analyze verify', () => {
  const path = join(temporaryDirectory(), 'chihaya.service');
  // The tracker is not installed here.
  writeFileSync(path, unit.replace('/opt/chihaya/bin/chihaya', process.execPath));
  const socket = join(path, '../chihaya.socket');
  copyFileSync('dist/systemd/chihaya.socket', socket);
  expect(runToEnd('systemd-analyze', ['verify', '--man=no', path, socket])).toEqual({ code: 0, output: '' });
});

testWith('systemd-analyze', 'systemd-analyze security gives the score that the handbook tells', () => {
  const { output } = runToEnd('systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT]);
  const [, score] = /exposure level for chihaya\.service: ([\d.]+)/.exec(output) ?? [];
  const [, told] =
    /exposure level is ([\d.]+)/.exec(readFileSync('docs/operating/security.md', 'utf8')) ?? [];
  // Versions of systemd judge by other lists.
  expect(Number(score)).toBeCloseTo(Number(told), 0);
  expect(Number(score)).toBeLessThan(2);
});
