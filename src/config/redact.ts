/** Keeps secrets out of logs, of error messages and of a configuration that is printed. */

import type { z } from 'zod';
import { formatDuration } from '../pkg/duration.ts';
import { formatHostPort, type ListenAddress } from '../pkg/listen-address.ts';
import { elementOf, type Option, optionsOf } from './component.ts';

export const REDACTED = '<redacted>';

/** Hides the user and the password of every URL in `text`. */
export function redactUrls(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)\S+@/gi, `$1${REDACTED}@`);
}

/** Takes what was found out of an error's text. */
export function withoutFound(message: string): string {
  return message.replace(/, found .*$/s, ', found another value (not shown: it is secret)');
}

/** The options in force, defaults included, as the file writes them: fit for a log. */
export function shownOptions(schema: z.ZodType, input: unknown): Record<string, unknown> {
  const given = (input ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    optionsOf(schema).map((option) => [
      option.name,
      withoutSecrets(option, writtenOption(option, given[option.name]) ?? ''),
    ]),
  );
}

/** What `input` comes to, in the file's form where that is known. */
export function writtenOption({ schema, info }: Option, input: unknown): unknown {
  const value = schema.safeParse(input).data;
  if (info?.kind === 'duration' && typeof value === 'number') return formatDuration(value);
  if (info?.kind === 'address' && value !== undefined) {
    const { host, port } = value as ListenAddress;
    return host === undefined ? `:${port}` : formatHostPort(host, port);
  }
  // Options without a schema of ours may be anything; those that are in use show as they were written.
  return value instanceof Object && !Array.isArray(value) ? input : value;
}

/** `value`, written as in the file, with nothing in it that its schema calls secret. */
export function withoutSecrets({ schema, info }: Pick<Option, 'schema' | 'info'>, value: unknown): unknown {
  if (info?.secret) return value === undefined || value === '' ? '' : REDACTED;
  if (typeof value === 'string') return redactUrls(value);
  const element = elementOf(schema);
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(element, each));
  if (typeof value !== 'object' || value === null) return value;
  const options = new Map(optionsOf(schema).map((option) => [option.name, option]));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withoutSecrets(options.get(key) ?? element, each)]),
  );
}
