/** The configuration in force as the file would write it: every default named, nothing secret shown. */

import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { type Chosen, type Component, type Option, optionsOf } from './component.ts';
import { type Config, isMapping, rootOptions } from './parse.ts';
import { withoutSecrets, writtenOption } from './redact.ts';

/** What stands under the top key. Secrets aside, parsing it gives `config` again. */
export function effectiveConfig({
  given,
  frontends,
  storage,
  prehooks,
  posthooks,
}: Config): Record<string, unknown> {
  return {
    ...effectiveOptions(rootOptions, rootOf(given)),
    ...Object.fromEntries(
      frontends.map(({ component: { name, options } }) => [name, effectiveOptions(options, given[name])]),
    ),
    storage: {
      name: storage.component.name,
      config: effectiveOptions(storage.component.options, asMapping(given.storage).config),
    },
    prehooks: effectiveHooks(prehooks, given.prehooks),
    posthooks: effectiveHooks(posthooks, given.posthooks),
  };
}

/** Under the names that they were asked for by: of a module its path, not the name that it gives itself. */
function effectiveHooks(hooks: readonly Chosen<Component>[], given: unknown): unknown[] {
  return hooks.map(({ component }, index) => {
    const { name, options } = asMapping((given as readonly unknown[])[index]);
    const effective = effectiveOptions(component.options, options);
    return Object.keys(effective).length === 0 ? { name } : { name, options: effective };
  });
}

function effectiveOptions(schema: z.ZodType, input: unknown): Record<string, unknown> {
  const given = asMapping(input);
  const known = optionsOf(schema);
  const written = known.map((option) => [option.name, effectiveOption(option, given[option.name])] as const);
  // A module's schema may take keys that it does not name.
  const more = Object.entries(given).filter(([key]) => !known.some(({ name }) => name === key));
  const all = [...written, ...more].filter(([, value]) => value !== undefined);
  return withoutSecrets({ schema, info: undefined }, Object.fromEntries(all)) as Record<string, unknown>;
}

/** The option with its default if that can be written so that it means the same, else as it was given. */
function effectiveOption(option: Option, input: unknown): unknown {
  const written = writtenOption(option, input) ?? '';
  const meant = option.schema.safeParse(input);
  const again = option.schema.safeParse(written);
  return again.success && isDeepStrictEqual(again.data, meant.data) ? written : input;
}

/** Those at the top that belong to no component. */
function rootOf(given: Config['given']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([key]) => key in rootOptions.shape));
}

function asMapping(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : {};
}
