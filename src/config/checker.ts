/** Runs the schemas over the parts of a configuration and gathers what is wrong with any of them. */

import type { z } from 'zod';
import { expected } from '../pkg/options.ts';
import { optionsOf } from './component.ts';
import { nearest } from './nearest.ts';
import type { Path, Problem } from './problem.ts';
import { redactUrls, withoutFound } from './redact.ts';

export class Checker {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];

  /**
   * What `schema` makes of the input at `path`; `undefined` if it refuses it.
   *
   * @param moreKeys keys beside the schema's own that a misspelt one may have been meant to be
   */
  check<Schema extends z.ZodType>(
    schema: Schema,
    input: unknown,
    path: Path,
    moreKeys: readonly string[] = [],
  ): z.output<Schema> | undefined {
    const options = optionsOf(schema);
    const result = schema.safeParse(input, { error: describe, reportInput: true });
    for (const issue of result.error?.issues ?? []) {
      const at = [...path, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
      if (issue.code === 'unrecognized_keys') {
        const known = issue.path.length > 0 ? [] : [...options.map(({ name }) => name), ...moreKeys];
        for (const key of issue.keys) {
          this.problems.push({ path: [...at, key], message: unknownName('key', key, known), atKey: true });
        }
        continue;
      }
      const secret = options.some(({ name, info }) => info?.secret && name === issue.path[0]);
      this.problems.push({
        path: at,
        message: secret ? withoutFound(issue.message) : redactUrls(issue.message),
      });
    }
    for (const { name, info } of options) {
      const value = (input as Record<string, unknown> | undefined)?.[name];
      if (!info?.fallsBack?.(value)) continue;
      const message = `expected more than zero, found ${String(value)}: the default ${info.defaultText} is used`;
      this.warnings.push({ path: [...path, name], message });
    }
    return result.data as z.output<Schema> | undefined;
  }
}

/**
 * The text for a name that is none of those known: the nearest one, or else all of them.
 *
 * @param or what else might stand there
 */
export function unknownName(what: string, found: string, known: readonly string[], or?: string): string {
  const glued = found.indexOf(':');
  if (what === 'key' && glued > 0) {
    // Without the space YAML takes both for the key; the value is not shown, it may be secret.
    const key = found.slice(0, glued);
    return `expected a known key, found "${key}:…"; is a space missing after the colon of "${key}"?`;
  }
  const near = nearest(found, known);
  const all = known.map((name) => `"${name}"`).join(', ');
  if (what === 'key' && near !== undefined)
    return `${expected('a known key', found)}; did you mean "${near}"?`;
  const among = all === '' ? `no such ${what}` : `one of ${all}`;
  const message = expected(or === undefined ? among : `${among}, or ${or}`, found);
  return near === undefined ? message : `${message}; did you mean "${near}"?`;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['object', 'a mapping'],
  ['array', 'a list'],
  ['string', 'text'],
  ['boolean', 'true or false'],
  ['number', 'a number'],
  ['int', 'a whole number'],
]);

/** The text of an issue whose schema brings none. */
function describe(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return expected(TYPES.get(issue.expected) ?? issue.expected, issue.input);
    case 'invalid_value':
      return expected(`one of ${issue.values.map(String).join(', ')}`, issue.input);
    case 'too_small':
      return expected(`${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`, issue.input);
    case 'too_big':
      return expected(`${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`, issue.input);
    default:
      return expected('another value', issue.input);
  }
}
