/**
 * Which action a path asks for. Patterns are compiled when the frontend is built:
 *
 *     /announce               that path
 *     /:passkey/announce      a named parameter: one segment that is not empty
 *     /announce/*rest         the rest of the path, from the slash before `*` on (`/announce/a/b` gives `/a/b`)
 *
 * Paths are compared as bytes, as they were sent; parameters are percent-decoded, as UTF-8. Patterns
 * without parameters come first, the others in the order configured.
 */

import { latin1 } from '../../pkg/bytes.ts';
import { percentDecode } from '../../pkg/percent.ts';

export const Action = { Announce: 0, Scrape: 1 } as const;
export type Action = (typeof Action)[keyof typeof Action];

/** The values of the metric label `action`, by Action. */
export const ACTION_NAMES = ['announce', 'scrape'] as const;

export type RouteParams = ReadonlyMap<string, string>;

const SLASH = 0x2f;
const NO_PARAMS: RouteParams = new Map();

interface StaticRoute {
  readonly action: Action;
  readonly path: Uint8Array;
}

interface PatternRoute {
  readonly action: Action;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

export class Routes {
  readonly #static: StaticRoute[] = [];
  readonly #patterns: PatternRoute[] = [];
  /** The parameters of the last match. */
  params: RouteParams = NO_PARAMS;
  /** Whether the last path matched a pattern but for a broken `%` escape in a parameter. */
  badEscape = false;

  /** Both lists as `checkRoute` accepts them. */
  constructor(announce: readonly string[], scrape: readonly string[]) {
    for (const route of announce) this.#add(route, Action.Announce);
    for (const route of scrape) this.#add(route, Action.Scrape);
  }

  /** The action of the path `bytes[start, end)`; `undefined` if no route matches. Sets `params`. */
  match(bytes: Uint8Array, start: number, end: number): Action | undefined {
    this.params = NO_PARAMS;
    this.badEscape = false;
    for (const route of this.#static) {
      if (isPath(route.path, bytes, start, end)) return route.action;
    }
    return this.#patterns.length === 0 ? undefined : this.#matchPatterns(bytes, start, end);
  }

  #matchPatterns(bytes: Uint8Array, start: number, end: number): Action | undefined {
    const path = latin1(bytes, start, end);
    for (const { action, pattern, names } of this.#patterns) {
      const match = pattern.exec(path);
      if (!match) continue;
      const params = new Map<string, string>();
      for (const [i, name] of names.entries()) {
        const value = decodeSegment(match[i + 1] as string);
        if (value === undefined) {
          this.badEscape = true;
          return undefined;
        }
        params.set(name, value);
      }
      this.params = params;
      return action;
    }
    return undefined;
  }

  #add(route: string, action: Action): void {
    if (!/[:*]/.test(route)) {
      this.#static.push({ action, path: Buffer.from(route) });
      return;
    }
    const names: string[] = [];
    const source = route
      .slice(1)
      .split('/')
      .map((segment) => {
        if (!/^[:*]/.test(segment)) return `/${escapeRegExp(Buffer.from(segment).toString('latin1'))}`;
        names.push(segment.slice(1));
        return segment[0] === ':' ? '/([^/]+)' : '(/.*)';
      })
      .join('');
    this.#patterns.push({ action, names, pattern: new RegExp(`^${source}$`, 's') });
  }
}

/** What is wrong with a route of the configuration, as `expected …`; `undefined` if nothing is. */
export function checkRoute(route: string): string | undefined {
  if (!route.startsWith('/')) return 'a path that begins with a slash';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they cannot stand in a request line
  if (/[?#\s\x00-\x1f\x7f]/.test(route)) return 'a path without query, fragment or spaces';
  const segments = route.slice(1).split('/');
  const names = segments.filter((segment) => /^[:*]/.test(segment)).map((segment) => segment.slice(1));
  if (
    names.some((name) => !/^[A-Za-z_]\w*$/.test(name)) ||
    segments.some((segment) => /.[:*]/.test(segment))
  ) {
    return 'parameters that are a whole segment, such as :passkey or *rest';
  }
  if (new Set(names).size < names.length) return 'parameters of different names';
  if (segments.slice(0, -1).some((segment) => segment.startsWith('*'))) return '*… as the last segment only';
  return undefined;
}

function isPath(path: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== path.length) return false;
  for (let i = 0; i < path.length; i++) if (bytes[start + i] !== path[i]) return false;
  return bytes[start] === SLASH;
}

/** Percent-decoded; `undefined` for a broken escape. In a path, unlike in a query, `+` is itself. */
function decodeSegment(text: string): string | undefined {
  const source = Buffer.from(text.replaceAll('+', '%2B'), 'latin1');
  const length = percentDecode(source, 0, source.length, source);
  return length < 0 ? undefined : source.toString('utf8', 0, length);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
