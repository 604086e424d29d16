/**
 * What a call in a profile is called, and where it stands: `frontend/udp/frontend.#handlePacket`, in the TypeScript
 * source if the compiled file has a source map. The name alone has to tell, since it is all that most views show.
 */

import { readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Call, stackOf } from './cpu-samples.ts';
import type { CallFrame } from './profile-source.ts';

export interface NamedCall {
  readonly name: string;
  /** Empty for what is V8's own. */
  readonly file: string;
  /** From 1; 0 where there is none. */
  readonly line: number;
}

/** The folder of our compiled files, and the package's. */
const OURS = new URL('../../', import.meta.url).href;
const PACKAGE = fileURLToPath(new URL('../', OURS));

const MODULES = '/node_modules/';

export class CallNames {
  readonly #maps = new Map<string, SourceMap | undefined>();

  /** Reads the source maps of our files that `calls`, and those below them, are in; without them they are named all the same. */
  static async of(calls: readonly Call[]): Promise<CallNames> {
    const names = new CallNames();
    const urls = [...new Set(calls)].flatMap((call) => stackOf(call).map(({ frame }) => frame.url));
    for (const url of new Set(urls)) if (url.startsWith(OURS)) names.#maps.set(url, await readMap(url));
    return names;
  }

  private constructor() {}

  nameOf({ functionName, url, lineNumber, columnNumber }: CallFrame): NamedCall {
    if (url === '') return { name: functionName, file: '', line: 0 };
    const { file, line } = this.#place(url, lineNumber, columnNumber);
    const name = functionName === '' ? `(anonymous:${line})` : functionName;
    return { name: `${moduleOf(url)}.${name}`, file, line };
  }

  #place(url: string, line: number, column: number): { readonly file: string; readonly line: number } {
    const entry = this.#maps.get(url)?.findEntry(line, column);
    if (entry && 'originalSource' in entry) {
      const source = new URL(entry.originalSource, url).href;
      return { file: pathOf(source), line: entry.originalLine + 1 };
    }
    return { file: pathOf(url), line: line + 1 };
  }
}

/** `frontend/udp/frontend` of ours, `prom-client/lib/registry` of a package, `node:net` of Node. */
function moduleOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  const path = url.startsWith(OURS)
    ? url.slice(OURS.length)
    : url.slice(url.includes(MODULES) ? url.lastIndexOf(MODULES) + MODULES.length : url.lastIndexOf('/') + 1);
  return path.replace(/\.[cm]?[jt]s$/, '');
}

function pathOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url);
  return path.startsWith(PACKAGE) ? path.slice(PACKAGE.length) : path;
}

async function readMap(url: string): Promise<SourceMap | undefined> {
  try {
    return new SourceMap(JSON.parse(await readFile(new URL(`${url}.map`), 'utf8')));
  } catch {
    return undefined;
  }
}
