/** Where the configuration is. Needs nothing to be loaded: it is asked first of all. */

import { existsSync, readFileSync, statSync } from 'node:fs';

export const DEFAULT_PATH = '/etc/chihaya.yaml';

export interface ConfigFlags {
  readonly config?: string;
}

/** Where the configuration file is, or would be. */
export function expectedPath(flags: ConfigFlags): string {
  return expandPath(flags.config ?? DEFAULT_PATH, process.env);
}

/** The path of the configuration file; `undefined` if there is none and the built-in default runs. */
export function configPath(flags: ConfigFlags): string | undefined {
  if (flags.config === undefined && !existsSync(DEFAULT_PATH)) return undefined;
  return expectedPath(flags);
}

/**
 * Whether it looks as though one thread were wanted, at a glance: to be right most of the time is enough. A pipe can be
 * read only once, and not here.
 */
export function seemsToWantOneWorker(flags: ConfigFlags): boolean {
  const path = configPath(flags);
  if (path === undefined) return false;
  try {
    return statSync(path).isFile() && /^[^#\n]*\bworkers["']?:\s*1\b/m.test(readFileSync(path, 'utf8'));
  } catch {
    return true;
  }
}

/** Replaces `$NAME` and `${NAME}` in a path; a variable that is not set is empty, as in the original. */
export function expandPath(path: string, env: Readonly<Record<string, string | undefined>>): string {
  return path.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, bare) => env[braced ?? bare] ?? '');
}
