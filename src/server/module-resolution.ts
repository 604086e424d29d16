/**
 * What Node asks about every import once hooks are modules (`module.register`, or `registerHooks` where Node has it).
 * Two kinds of imports are resolved here:
 *
 * - `chihaya`, wherever it is imported from: this very package. A module in /etc has no node_modules above it,
 *   and one with a copy of its own would throw ClientErrors that are none of ours.
 * - those of `specifierFrom`, as though the file at `from` had written them.
 */

interface Context {
  readonly parentURL?: string | undefined;
}

type Next<Result> = (specifier: string, context: Context) => Result;

const OWN_NAME = 'chihaya';
const OWN_ENTRY = new URL('../index.js', import.meta.url).href;
const FROM = 'chihaya-from:';

/** What to import for the package `name` as it is seen from `from`, a file URL. */
export function specifierFrom(from: string, name: string): string {
  return `${FROM}${encodeURIComponent(from)}:${name}`;
}

/** The form of both interfaces: a promise if `next` returns one. */
export function resolve<Result>(specifier: string, context: Context, next: Next<Result>): Result {
  if (specifier === OWN_NAME) return next(OWN_ENTRY, context);
  if (specifier.startsWith(FROM)) {
    const [from = '', name = ''] = specifier.slice(FROM.length).split(':');
    return next(name, { ...context, parentURL: decodeURIComponent(from) });
  }
  return next(specifier, context);
}
