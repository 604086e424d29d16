/** The project's own files, for tests that read them. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';

export interface Source {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** The files whose names end with `ending`, under a folder or at a path; none if it is not there. */
export function filesUnder(path: string, ending: string): Source[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [{ path, text: readFileSync(path, 'utf8') }];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
    .toSorted()
    .map((file) => ({ path: file, text: readFileSync(file, 'utf8') }));
}

export function sources(): Source[] {
  return filesUnder('src', '.ts');
}
