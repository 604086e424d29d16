/** Reads a configuration file: YAML with the one top key `chihaya`. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { expected } from '../pkg/options.ts';
import { unknownName } from './checker.ts';
import type { Components, Kinds } from './component.ts';
import { type Config, isMapping, parse } from './parse.ts';
import { ConfigError, formatProblem, type Path, type Problem } from './problem.ts';

const TOP = 'chihaya';

/**
 * Tells what a configuration can name. Asked when the file has been read: hooks may be modules that it names.
 *
 * @param given what stands under the top key
 * @param directory that of the file
 */
export type ComponentsFor<K extends Kinds> = (given: unknown, directory: string) => Promise<Components<K>>;

/**
 * @param path not expanded any more
 * @throws ConfigError with every problem at once, each with its line and column
 */
export async function load<K extends Kinds>(
  path: string,
  componentsFor: ComponentsFor<K>,
): Promise<Config<K>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`${path}: the configuration cannot be read: ${(error as Error).message}`]);
  }
  const config = new ConfigText(text, path);
  return config.parse(await componentsFor(config.given, config.directory));
}

/** As `load`, with the text and the components at hand; `name` stands for the file in messages. */
export function parseText<K extends Kinds>(text: string, name: string, components: Components<K>): Config<K> {
  return new ConfigText(text, name).parse(components);
}

/** A file that is YAML, at least. */
class ConfigText {
  /** What stands under the top key. */
  readonly given: unknown;
  readonly directory: string;
  readonly #document: Document;
  readonly #place: (offset: number) => string;
  readonly #problems: string[];

  constructor(text: string, name: string) {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
    this.#document = document;
    this.#place = (offset) => {
      const { line, col } = lines.linePos(offset);
      return `${name}:${line}:${col}`;
    };
    this.#problems = syntaxProblems(document, text, this.#place);
    // Of a file that is no YAML anything further would be guessed; repeated keys leave a tree to look at.
    if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) throw new ConfigError(this.#problems);
    this.given = this.#collecting(() => innerMapping(document, name, this.#place, this.#problems));
    this.directory = dirname(resolve(name));
  }

  parse<K extends Kinds>(components: Components<K>): Config<K> {
    const locate = (problem: Problem) =>
      this.#place(offsetOf(this.#document, [TOP, ...problem.path], problem.atKey));
    const { directory } = this;
    const config = this.#collecting(() => parse(this.given, components, { locate, directory }));
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
    return config;
  }

  /** What `work` finds wrong is told together with what was found before. */
  #collecting<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError([...this.#problems, ...error.problems]);
    }
  }
}

function syntaxProblems(document: Document, text: string, place: (offset: number) => string): string[] {
  // Of a tag or a directive that is not known YAML only warns; it cannot be meant either.
  return [...document.errors, ...document.warnings].map(({ code, message, pos: [start] }) => {
    if (code === 'DUPLICATE_KEY') {
      const key = /^["']?([^:"'\n]*)/.exec(text.slice(start))?.[1]?.trim();
      return `${place(start)}: expected each key once, found "${key}" again`;
    }
    // What follows a colon quotes the file, where a secret may stand.
    return `${place(start)}: expected YAML, found a mistake in it: ${message.replace(/(?<=[\w)]): .*$/s, '')}`;
  });
}

/** What stands under the top key; other keys beside it are problems. */
function innerMapping(
  document: Document,
  name: string,
  place: (offset: number) => string,
  problems: string[],
): unknown {
  let whole: unknown;
  try {
    whole = document.toJS({ maxAliasCount: 100 });
  } catch {
    // The parser's own text quotes what it takes for an alias, which may be a secret that wants quotes.
    throw new ConfigError([
      `${name}: expected an anchor for every alias, and few aliases of aliases, found otherwise; text that begins with * needs quotes`,
    ]);
  }
  if (!isMapping(whole)) {
    const message = expected(`a mapping with the one key "${TOP}"`, whole);
    throw new ConfigError([formatProblem({ path: [], message }, place(document.contents?.range?.[0] ?? 0))]);
  }
  for (const key of Object.keys(whole)) {
    if (key === TOP) continue;
    problems.push(`${place(offsetOf(document, [key], true))}: ${unknownName('key', key, [TOP])}`);
  }
  if (!(TOP in whole) && problems.length === 0) {
    throw new ConfigError([`${place(0)}: ${expected(`the key "${TOP}"`, undefined)}`]);
  }
  return whole[TOP];
}

/** Where `path` begins in the file; that of the nearest thing around it, if it is not written there. */
function offsetOf(document: Document, path: Path, atKey = false): number {
  let offset = 0;
  let node: unknown = document.contents;
  path.forEach((step, depth) => {
    const child = isSeq(node) ? node.items[Number(step)] : pairOf(node, step);
    if (child === undefined) {
      node = undefined;
      return;
    }
    const pair = isMap(node) ? (child as Pair) : undefined;
    const last = depth === path.length - 1;
    const key = startOf(pair?.key);
    node = pair ? pair.value : child;
    const value = startOf(node);
    offset = (last && !atKey ? (value ?? key) : (key ?? value)) ?? offset;
  });
  return offset;
}

function pairOf(node: unknown, step: string | number): Pair | undefined {
  if (!isMap(node)) return undefined;
  return node.items.find(
    ({ key }) => String((key as { value?: unknown } | null)?.value ?? key) === String(step),
  );
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
