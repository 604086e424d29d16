/** Keeps secrets out of logs and error messages. */

import type { z } from 'zod';
import { formatDuration } from '../pkg/duration.ts';
import { formatHostPort, type ListenAddress } from '../pkg/options.ts';
import { type Option, optionsOf } from './component.ts';

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
    optionsOf(schema).map((option) => [option.name, shownOption(option, given[option.name])]),
  );
}

function shownOption(option: Option, input: unknown): unknown {
  if (option.info?.secret) return input === undefined || input === '' ? '' : REDACTED;
  const value = option.schema.safeParse(input).data;
  if (option.info?.kind === 'duration' && typeof value === 'number') return formatDuration(value);
  if (option.info?.kind === 'address' && value !== undefined) {
    const { host, port } = value as ListenAddress;
    return host === undefined ? `:${port}` : formatHostPort(host, port);
  }
  // Options without a schema of ours may be anything; those that are in use show as they were written.
  return show(value instanceof Object && !Array.isArray(value) ? input : value);
}

function show(value: unknown): unknown {
  if (typeof value === 'string') return redactUrls(value);
  return Array.isArray(value) ? value.map(show) : (value ?? '');
}
