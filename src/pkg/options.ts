/**
 * Building blocks for configuration schemas: one function for each kind of option. What an option
 * means, its default and how it is written stand beside it, and the example file and the reference
 * in docs/ are generated from there.
 */

import { z } from 'zod';
import { formatDuration, parseDuration } from './duration.ts';
import { type ListenAddress, parseListenAddress } from './listen-address.ts';

/** What people are told of an option. */
export interface OptionInfo {
  /** What it does: full sentences, without the default. */
  readonly description: string;
  /** How its values are written: `duration`, `integer`, `address`, … */
  readonly kind: string;
  /** The default as it would be written in YAML; `undefined` where there is none. */
  readonly defaultText?: string;
  /** A value for the example file where the default would show nothing. */
  readonly example?: string;
  /** Whether it must be given. */
  readonly required?: boolean;
  /** Never shown in a log. */
  readonly secret?: boolean;
  /** Whether a reload leaves it as it is: it takes effect with the next start. */
  readonly fixed?: boolean;
  /** Present if zero and negative values fall back to the default; tells whether `input` is such a value. */
  readonly fallsBack?: (input: unknown) => boolean;
}

/** What is known of each option's schema. */
export const optionInfo = z.registry<OptionInfo>();

function option<Schema extends z.ZodType>(schema: Schema, info: OptionInfo): Schema {
  optionInfo.add(schema, info);
  return schema;
}

const DURATION = 'a duration such as 30m or 500ms';

/** The longest time a timer of Node can wait; one that is asked for more fires at once. */
const LONGEST = 2 ** 31 - 1;

/** A time in Go's form; milliseconds inside. Zero and less fall back to the default. */
export function duration(defaultText: string, description: string, more: Partial<OptionInfo> = {}) {
  const fallback = parseDuration(defaultText) as number;
  const { schema, parse } = anyDuration();
  return option(schema.transform((value) => (value > 0 ? value : fallback)).default(fallback), {
    description,
    kind: 'duration',
    defaultText: formatDuration(fallback),
    fallsBack: (input) => isDurationInput(input) && (parse(input) ?? 1) <= 0,
    ...more,
  });
}

/** A time of any sign, and how it is read. */
function anyDuration() {
  // Go's YAML takes a bare number for nanoseconds, which nobody means; 0 alone needs no unit.
  const parse = (input: string | number) =>
    typeof input === 'string' ? parseDuration(input) : input > 0 ? undefined : 0;
  const schema = z.union([z.string(), z.number()], expecting(DURATION)).transform((input, context) => {
    const value = parse(input);
    if (value !== undefined && value <= LONGEST) return value;
    const what = value === undefined ? DURATION : 'at most 596h (24 days)';
    context.addIssue({ code: 'custom', message: expected(what, input) });
    return z.NEVER;
  });
  return { schema, parse };
}

function isDurationInput(input: unknown): input is string | number {
  return typeof input === 'string' || typeof input === 'number';
}

/** A time in Go's form; milliseconds inside. Zero, which is the default, and less are off. */
export function durationOrOff(description: string) {
  const { schema, parse } = anyDuration();
  return option(schema.transform((value) => Math.max(value, 0)).default(0), {
    description: `${description} 0s: off.`,
    kind: 'duration',
    defaultText: '0s',
    fallsBack: (input) => isDurationInput(input) && (parse(input) ?? 0) < 0,
  });
}

/** A whole number above zero. Zero and less fall back to the default. */
export function count(fallback: number, description: string, more: Partial<OptionInfo> = {}) {
  const schema = z
    .int(expecting('a whole number'))
    .transform((value) => (value > 0 ? value : fallback))
    .default(fallback);
  return option(schema, {
    description,
    kind: 'integer',
    defaultText: String(fallback),
    fallsBack: (input) => typeof input === 'number' && input <= 0,
    ...more,
  });
}

/** A bound that is not there unless it is given; 0 is none. */
export function limit(description: string) {
  const schema = z
    .int(expecting('a whole number'))
    .transform((value) => Math.max(value, 0))
    .default(0);
  return option(schema, {
    description: `${description} 0: no limit.`,
    kind: 'integer',
    defaultText: '0',
    fallsBack: (input) => typeof input === 'number' && input < 0,
  });
}

/** `true` or `false`. */
export function flag(fallback: boolean, description: string) {
  const schema = z.boolean(expecting('true or false')).default(fallback);
  return option(schema, { description, kind: 'boolean', defaultText: String(fallback) });
}

/** Text; empty text counts as absent. */
export function text(description: string, more: Partial<OptionInfo> = {}) {
  const schema = z
    .string(expecting('text'))
    .default('')
    .transform((value) => (value === '' ? undefined : value));
  return option(schema, { description, kind: 'text', ...more });
}

/**
 * Text that must be given.
 *
 * @param check what is expected of it, if it is not that; `undefined` if it is
 */
export function requiredText(
  description: string,
  check: (value: string) => string | undefined = () => undefined,
  more: Partial<OptionInfo> = {},
) {
  const schema = checkedText((value) => (value === '' ? 'text' : check(value)));
  return option(schema, { description, kind: 'text', required: true, ...more });
}

/** Text that has a default and cannot be empty. */
export function textWithDefault(fallback: string, description: string) {
  const schema = checkedText((value) => (value === '' ? 'text' : undefined)).default(fallback);
  return option(schema, { description, kind: 'text', defaultText: fallback });
}

function checkedText(check: (value: string) => string | undefined) {
  return z.string(expecting('text')).superRefine((value, context) => {
    const what = check(value);
    if (what !== undefined) context.addIssue({ code: 'custom', message: expected(what, value) });
  });
}

/** Makes of any schema one whose values are shown neither in a log nor in an error: for hooks of an operator's own. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return option(schema, { description: '', kind: '', secret: true });
}

/** A name that can stand in a URL as it is. */
export function nameInUrl(fallback: string, description: string) {
  const wanted = expecting('a name of letters, digits and underscores');
  const schema = z
    .string(wanted)
    .regex(/^[A-Za-z_]\w*$/, wanted)
    .default(fallback);
  return option(schema, { description, kind: 'text', defaultText: fallback });
}

const ADDRESS = 'an address such as 0.0.0.0:6969, :6969 or [::1]:6969';

/** `host:port`, `:port` (every address, both families) or `[v6]:port`; empty text counts as absent. */
export function listenAddress(description: string, more: Partial<OptionInfo> = {}) {
  const schema = z
    .string(expecting(ADDRESS))
    .default('')
    .transform((value, context): ListenAddress | undefined => {
      if (value === '') return undefined;
      const address = parseListenAddress(value);
      if (address) return address;
      context.addIssue({ code: 'custom', message: expected(ADDRESS, value) });
      return z.NEVER;
    });
  return option(schema, { description, kind: 'address', ...more });
}

/**
 * A list of texts.
 *
 * @param check what is expected of an entry, if it is not that; `undefined` if it is
 */
export function textList(
  fallback: readonly string[],
  description: string,
  check: (entry: string) => string | undefined = () => undefined,
  more: Partial<OptionInfo> = {},
) {
  const schema = z.array(checkedText(check), expecting('a list')).default([...fallback]);
  return option(schema, {
    description,
    kind: 'list',
    defaultText: `[${fallback.map((value) => JSON.stringify(value)).join(', ')}]`,
    ...more,
  });
}

/** A list, empty by default, whose entries `item` checks. */
export function listOf<Item extends z.ZodType>(
  item: Item,
  description: string,
  more: Partial<OptionInfo> = {},
) {
  const schema = z.array(item, expecting('a list')).default([]);
  return option(schema, { description, kind: 'list', defaultText: '[]', ...more });
}

/** A list of up to `most` whole numbers from 1 to `highest`. */
export function integerList(most: number, highest: number, fallback: readonly number[], description: string) {
  const schema = z
    .array(wholeNumberTo(highest), expecting('a list'))
    .max(most, {
      error: (issue) => `expected at most ${most} entries, found ${(issue.input as unknown[]).length}`,
    })
    .default([...fallback]);
  return option(schema, { description, kind: 'list', defaultText: `[${fallback.join(', ')}]` });
}

/** A mapping from names to what `item` checks; empty by default. */
export function mappingOf<Item extends z.ZodType>(item: Item, description: string) {
  const schema = z.record(z.string(), item, expecting('a mapping')).default({});
  return option(schema, { description, kind: 'mapping', defaultText: '{}' });
}

/** A number above 0 and up to 1. There is no default: it must be given. */
export function probability(description: string, more: Partial<OptionInfo> = {}) {
  const wanted = expecting('a number above 0 and up to 1');
  return option(z.number(wanted).gt(0, wanted).lte(1, wanted), {
    description,
    kind: 'number',
    required: true,
    ...more,
  });
}

/** A whole number from 1 to `most`. There is no default: it must be given. */
export function positiveInteger(most: number, description: string, more: Partial<OptionInfo> = {}) {
  return option(wholeNumberTo(most), { description, kind: 'integer', required: true, ...more });
}

function wholeNumberTo(most: number) {
  const wanted = expecting(`a whole number from 1 to ${most}`);
  return z.int(wanted).min(1, wanted).max(most, wanted);
}

/** `auto`, which is the default, or a whole number from 1 to `most`. */
export function countOrAuto(most: number, description: string, more: Partial<OptionInfo> = {}) {
  const what = `auto or a whole number from 1 to ${most}`;
  const wanted = expecting(what);
  const schema = z
    .union([z.literal('auto'), z.int(wanted).max(most, wanted)], wanted)
    .transform((value) => (value === 'auto' || value > 0 ? value : 'auto'))
    .default('auto');
  return option(schema, {
    description,
    kind: what,
    defaultText: 'auto',
    fallsBack: (input) => typeof input === 'number' && input <= 0,
    ...more,
  });
}

/** One of a few words. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  fallback: Words[number],
  description: string,
  more: Partial<OptionInfo> = {},
) {
  const among = `one of ${words.join(', ')}`;
  const schema = z.enum(words, expecting(among)).default(fallback as never);
  return option(schema, { description, kind: among, defaultText: fallback, ...more });
}

/** For a schema, or a check of one: has its error tell what was expected. */
export function expecting(what: string) {
  return { error: (issue: { readonly input?: unknown }) => expected(what, issue.input) };
}

/** `expected …, found …`, as every configuration error says it. */
export function expected(what: string, found: unknown): string {
  // Text in the place of a mapping is often a key and its value without the space between them: a secret, perhaps.
  const hidden = what.startsWith('a mapping') && typeof found === 'string';
  return `expected ${what}, found ${hidden ? 'text' : show(found)}`;
}

/** What stands in a list or a mapping is not shown: a secret may be among it. */
function show(found: unknown): string {
  if (found === undefined || found === null) return 'nothing';
  if (Array.isArray(found)) return 'a list';
  if (typeof found === 'object') return 'a mapping';
  if (typeof found !== 'string') return String(found);
  const shown = JSON.stringify(found);
  return shown.length > 80 ? `${shown.slice(0, 77)}..."` : shown;
}
