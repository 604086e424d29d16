/**
 * Hooks of an operator's own: a `name` in the configuration that is none of a built-in hook is the path of a module,
 * relative to the configuration, or the name of a package. Its default export is what `defineHook` makes.
 *
 * Modules are imported before the configuration is checked, since their schemas check a part of it; in each thread,
 * since nothing that they export could be sent to another.
 */

import { statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { isAbsolute, join, resolve as resolvePath } from 'node:path';
import { pathToFileURL } from 'node:url';
import { otherHookNames } from '../config/parse.ts';
import type { HookDriver } from '../middleware/middleware.ts';
import { expected } from '../pkg/options.ts';
import { resolve, specifierFrom } from './module-resolution.ts';
import type { TrackerComponents } from './tracker-parts.ts';

const A_HOOK = 'a module whose default export is defineHook({ name, options, create })';

/** A name that a package may have, and a path in it. */
const PACKAGE = /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*(?:\/[\w.~-]+)*$/;

/**
 * `components`, and the modules that `given` names.
 *
 * @param given what stands under the top key of a configuration, not checked
 * @param directory what paths in it are relative to
 */
export async function withHookModules(
  components: TrackerComponents,
  given: unknown,
  directory: string,
): Promise<TrackerComponents> {
  const modules = new Map<string, HookDriver | string>();
  for (const name of otherHookNames(given, components.hooks)) {
    const found = await findHook(name, directory);
    if (found === undefined) continue;
    const others = [...components.hooks, ...modules.values()].filter((other) => other !== found);
    const taken = others.some((other) => typeof other === 'object' && nameOf(other) === nameOf(found));
    modules.set(
      name,
      taken ? `the module "${name}": ${expected('a name that no other hook has', nameOf(found))}` : found,
    );
  }
  return { ...components, modules };
}

function nameOf(found: HookDriver | string): string | undefined {
  return typeof found === 'string' ? undefined : found.name;
}

/** The hook, or what is wrong with it; `undefined` for a name that is no module's. */
async function findHook(name: string, directory: string): Promise<HookDriver | string | undefined> {
  if (/^\.{1,2}\//.test(name) || isAbsolute(name)) {
    const path = resolvePath(directory, name);
    if (!isFile(path)) return expected(`a module at ${path}`, undefined);
    return importHook(name, pathToFileURL(path).href);
  }
  if (!PACKAGE.test(name)) return undefined;
  if (isFile(join(directory, name))) return `${expected(A_HOOK, name)}: is "./${name}" meant?`;
  // Beside the configuration, or beside the tracker, as packages are that were installed globally.
  for (const from of [pathToFileURL(join(directory, 'package.json')).href, import.meta.url]) {
    const found = await importHook(name, specifierFrom(from, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** `undefined` if there is no such package. */
async function importHook(name: string, specifier: string): Promise<HookDriver | string | undefined> {
  resolveOwnName();
  try {
    const { default: hook } = (await import(specifier)) as { default?: unknown };
    const mistake = mistakeIn(hook);
    return mistake === undefined ? (hook as HookDriver) : `the module "${name}": ${mistake}`;
  } catch (error) {
    if (isMissing(error, name)) return undefined;
    return `the module "${name}" cannot be loaded: ${whyNot(error)}`;
  }
}

let registered = false;

/** Once in each thread, and not at all where no hook is a module. */
function resolveOwnName(): void {
  if (registered) return;
  registered = true;
  // Newer than the types of the oldest Node that we run on. It serves this thread in this thread.
  const { registerHooks } = nodeModule as { registerHooks?: (hooks: { resolve: typeof resolve }) => void };
  if (registerHooks) registerHooks({ resolve });
  else nodeModule.register('./module-resolution.js', import.meta.url);
}

/** Whether it is the package `name` itself that was not found, and not something that it imports. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message = '' } = (error ?? {}) as NodeJS.ErrnoException;
  const [scope = '', rest = ''] = name.split('/');
  const packageName = scope.startsWith('@') ? `${scope}/${rest}` : scope;
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes(`package '${packageName}'`);
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const { code } = error as NodeJS.ErrnoException;
  const [message] = error.message.split('\n');
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?\b/.test(error.message)) {
    return `Node ${process.versions.node} does not read TypeScript: compile it to JavaScript, or run Node 22.18 or newer`;
  }
  if (code === 'MODULE_NOT_FOUND') return `${message}: hooks are ES modules, use import instead of require`;
  if (error instanceof SyntaxError) return `${message}; "node --check" on the file shows where`;
  return `${error.name}: ${message}`;
}

/** What is wrong with a default export; `undefined` if nothing is. */
function mistakeIn(hook: unknown): string | undefined {
  if (typeof hook !== 'object' || hook === null) {
    const found = hook === undefined ? 'no default export' : `one that is a ${typeof hook}`;
    return `expected ${A_HOOK}, found ${found}`;
  }
  const { name, options, create } = hook as Partial<Record<keyof HookDriver, unknown>>;
  if (typeof name !== 'string' || name === '') return `name: ${expected('text', name)}`;
  if (typeof create !== 'function') return `create: ${expected('a function', create)}`;
  const { def, safeParse } = (options ?? {}) as Partial<Record<'def' | 'safeParse', unknown>>;
  if (def === undefined || typeof safeParse !== 'function') {
    return `options: ${expected('a schema, such as z.strictObject({}) with the z of chihaya', options)}`;
  }
  return undefined;
}
