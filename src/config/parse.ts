/**
 * From a configuration as an object, with the keys of the file, to what the tracker is built from.
 *
 * The schema is nobody's alone: each component's options are checked by that component's own schema,
 * and all of them are checked before anything is reported.
 */

import { z } from 'zod';
import type { ListenAddress } from '../pkg/listen-address.ts';
import { countOrAuto, duration, expected, flag, listenAddress } from '../pkg/options.ts';
import { Checker, unknownName } from './checker.ts';
import type { Chosen, Component, Components, Kinds } from './component.ts';
import { ConfigError, formatProblem, type Path, type Problem } from './problem.ts';
import { redactUrls, shownOptions } from './redact.ts';

export interface Config<K extends Kinds = Kinds> {
  /** Milliseconds. */
  readonly announceInterval: number;
  /** Milliseconds. */
  readonly minAnnounceInterval: number;
  readonly metricsAddr: ListenAddress | undefined;
  /** Milliseconds. */
  readonly shutdownTimeout: number;
  /** Whether the metrics server answers `/debug/pprof/`. */
  readonly pprof: boolean;
  /** Threads that serve clients; `auto` is one for each processor. */
  readonly workers: number | 'auto';
  readonly frontends: readonly Chosen<K['frontend']>[];
  readonly storage: Chosen<K['store']>;
  readonly prehooks: readonly Chosen<K['hook']>[];
  readonly posthooks: readonly Chosen<K['hook']>[];
  /** The options at the top as the file writes them: for the log. */
  readonly shown: Readonly<Record<string, unknown>>;
  /** What was parsed, secrets included, for another thread to parse again. */
  readonly given: Readonly<Record<string, unknown>>;
  /** What the paths of modules in it are relative to. */
  readonly directory: string;
  /** What would otherwise have been put right in silence: one line each. */
  readonly warnings: readonly string[];
}

/** Threads of a process that are still of use, and far fewer than a store can tell apart. */
const MAX_WORKERS = 128;

/** The keys at the top that belong to no component. */
export const rootOptions = z.strictObject({
  announce_interval: duration('30m', 'How often clients are told to announce.'),
  min_announce_interval: duration('15m', 'How long clients are told to wait at least between two announces.'),
  metrics_addr: listenAddress(
    'Where the metrics server listens, which answers `/metrics` in the Prometheus format and `/health/live` and `/health/ready`. It is for operators: clients should not be able to reach it. Without an address there is none.',
    { example: '127.0.0.1:6880' },
  ),
  shutdown_timeout: duration(
    '10s',
    'How long a stop waits for requests under way and for hooks; what takes longer is cut off.',
  ),
  pprof: flag(
    true,
    'Whether the metrics server also answers `/debug/pprof/`: profiles of the processor and of memory, for `go tool pprof`.',
  ),
  workers: countOrAuto(
    MAX_WORKERS,
    'How many threads serve clients: `auto` is one for each processor. More than one need Linux. A program that embeds the tracker has one unless it says otherwise.',
    { fixed: true },
  ),
});

/** What `storage` and each hook look like around their options. */
const storageBlock = z.strictObject({ name: z.string(), config: z.unknown().optional() });
const hookBlock = z.strictObject({ name: z.string(), options: z.unknown().optional() });

/** Tells where in a file a problem is; empty without a file. */
export type Locate = (problem: Problem) => string;

/** Where a configuration comes from. */
export interface Origin {
  readonly locate: Locate;
  /** What the paths of modules are relative to. */
  readonly directory: string;
}

/** The names of the hooks in `input` that none of `hooks` has: those of modules, unless they are mistakes. */
export function otherHookNames(input: unknown, hooks: readonly Component[]): string[] {
  if (!isMapping(input)) return [];
  const lists = [input.prehooks, input.posthooks].filter((list) => Array.isArray(list));
  const names = lists.flat().flatMap((item) => (isMapping(item) ? item.name : []));
  const others = names.filter(
    (name) => typeof name === 'string' && !hooks.some((hook) => hook.name === name),
  );
  return [...new Set(others as string[])];
}

/**
 * Checks `input`, the mapping under the file's top key.
 *
 * @throws ConfigError with every problem at once
 */
export function parse<K extends Kinds>(
  input: unknown,
  components: Components<K>,
  { locate, directory }: Origin = { locate: () => '', directory: process.cwd() },
): Config<K> {
  const tell = (problem: Problem) => formatProblem(problem, locate(problem));
  const given = withoutNulls(input) ?? {};
  if (!isMapping(given)) throw new ConfigError([tell({ path: [], message: expected('a mapping', given) })]);

  const checker = new Checker();
  const blocks = [...components.frontends.map(({ name }) => name), 'storage', 'prehooks', 'posthooks'];
  const rootInput = Object.fromEntries(Object.entries(given).filter(([key]) => !blocks.includes(key)));
  const root = checker.check(rootOptions, rootInput, [], blocks);
  const frontends = components.frontends
    .filter(({ name }) => given[name] !== undefined)
    .flatMap((component) => choose(checker, component, given[component.name], [component.name]) ?? []);
  const storage = chooseStorage(checker, components.stores, given.storage);
  const prehooks = chooseHooks(checker, components, given.prehooks, 'prehooks');
  const posthooks = chooseHooks(checker, components, given.posthooks, 'posthooks');

  if (checker.problems.length > 0 || !root || !storage) throw new ConfigError(checker.problems.map(tell));
  return {
    announceInterval: root.announce_interval,
    minAnnounceInterval: root.min_announce_interval,
    metricsAddr: root.metrics_addr,
    shutdownTimeout: root.shutdown_timeout,
    pprof: root.pprof,
    workers: root.workers,
    frontends,
    storage,
    prehooks,
    posthooks,
    shown: shownOptions(rootOptions, rootInput),
    given,
    directory,
    warnings: checker.warnings.map(tell),
  };
}

function choose<C extends Component>(
  checker: Checker,
  component: C,
  input: unknown,
  path: Path,
): Chosen<C> | undefined {
  try {
    return {
      component,
      options: checker.check(component.options, input ?? {}, path),
      shown: shownOptions(component.options, input),
    };
  } catch (error) {
    // A schema that is not ours may do anything.
    const message = `the options of "${component.name}" cannot be checked: ${(error as Error)?.message}`;
    checker.problems.push({ path, message });
    return undefined;
  }
}

function chooseStorage<S extends Component>(
  checker: Checker,
  stores: readonly S[],
  input: unknown = {},
): Chosen<S> | undefined {
  const given = isMapping(input) ? { ...input, name: input.name ?? stores[0]?.name } : input;
  checker.check(storageBlock, given, ['storage']);
  // A block that is no mapping, or has no name, was refused by its schema.
  if (!isMapping(given) || typeof given.name !== 'string') return undefined;
  const store = stores.find(({ name }) => name === given.name);
  if (store) return choose(checker, store, given.config, ['storage', 'config']);
  const message = unknownName('store', given.name, namesOf(stores));
  checker.problems.push({ path: ['storage', 'name'], message: redactUrls(message) });
  return undefined;
}

function chooseHooks<K extends Kinds>(
  checker: Checker,
  { hooks, modules }: Components<K>,
  input: unknown,
  key: string,
): Chosen<K['hook']>[] {
  const list = checker.check(z.array(z.unknown()).default([]), input, [key]) ?? [];
  return list.flatMap((item, index) => {
    checker.check(hookBlock, item, [key, index]);
    if (!isMapping(item) || typeof item.name !== 'string') return [];
    const hook = hooks.find(({ name }) => name === item.name) ?? modules?.get(item.name);
    if (typeof hook === 'object') {
      return choose(checker, hook, item.options, [key, index, 'options']) ?? [];
    }
    const message = hook ?? unknownName('hook', item.name, namesOf(hooks), 'a module such as "./my-hook.js"');
    checker.problems.push({ path: [key, index, 'name'], message: redactUrls(message) });
    return [];
  });
}

function namesOf(components: readonly Component[]): string[] {
  return components.map(({ name }) => name);
}

/** A key without a value, such as one with nothing but comments under it, counts as absent; but it must be a known one. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMapping(value)) return value ?? undefined;
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, withoutNulls(of)]));
}

/** Whether `value` is a plain object; an embedder's class instance among the options is not taken apart. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
