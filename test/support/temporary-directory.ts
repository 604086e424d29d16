/** A directory for one test, which is removed with all that is in it when the test has finished. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chihaya-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}
