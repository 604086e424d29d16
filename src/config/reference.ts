/** Writes the tables of `docs/configuration.md`. */

import type { z } from 'zod';
import type { OptionInfo } from '../pkg/options.ts';
import { type Component, type Components, type Option, optionsOf } from './component.ts';
import { rootOptions } from './parse.ts';

export function configurationReference({ frontends, stores, hooks }: Components): string {
  return [
    '# Configuration',
    '<!-- Written by `npm run generate` from the schemas beside the components. -->',
    `A YAML file with one top key, \`chihaya\`; \`dist/example_config.yaml\` shows every key. \`chihaya --config PATH\` names the file; \`$NAME\` and \`\${NAME}\` in the path are expanded. A key that is left out, or has nothing under it, has its default. An empty text counts as none.`,
    'What cannot be meant stops the start: unknown keys, wrong types, addresses that are none. All mistakes are reported at once, each with file, line and column.',
    KINDS,
    '## At the top',
    table(rootOptions),
    ...frontends.flatMap((frontend) => [
      `## \`${frontend.name}\``,
      frontend.summary,
      table(frontend.options),
    ]),
    '## `storage`',
    `\`name\` is the kind of store, by default \`${stores[0]?.name}\`; \`config\` holds its options.`,
    ...stores.flatMap((store) => named(store, 'storage')),
    '## `prehooks` and `posthooks`',
    'Lists of `name` and `options`. Prehooks run before the answer is written and can refuse a request, posthooks run afterwards; both in the order listed.',
    'A name is one of those below, or that of [a module of your own](middleware/writing-a-hook.md): a path relative to this file, such as `./hooks/my-hook.js`, an absolute path, or the name of a package.',
    ...hooks.flatMap((hook) => named(hook, 'hook')),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

const KINDS = `| kind | written as |
| --- | --- |
| duration | \`30m\`, \`1h15m\`, \`1.5s\`, \`500ms\`; at most 596h. Zero and less fall back to the default, with a warning |
| integer | a whole number. Where there is a default, zero and less fall back to it, with a warning |
| number | a number, with or without decimals |
| boolean | \`true\` or \`false\` |
| address | \`host:port\`, \`[v6]:port\`, or \`:port\` for every address of both families |
| text | text; in quotes if it looks like something else |
| list | \`[a, b]\`, or a line \`- a\` for each |
| mapping | a line \`name: value\` for each |`;

function named({ name, summary, options }: Component, what: string): string[] {
  const tables = optionsOf(options).length > 0 ? [table(options)] : [];
  return [`### ${what} \`${name}\``, summary, ...tables];
}

function table(schema: z.ZodType): string {
  const rows = optionsOf(schema).map(row);
  return ['| key | kind | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function row({ name, info }: Option): string {
  const fallback = info?.defaultText === undefined ? none(info) : `\`${info.defaultText}\``;
  const fixed = info?.fixed ? ' A reload does not change it.' : '';
  const meaning = ((info?.description ?? '') + fixed).replaceAll('|', '\\|');
  return `| \`${name}\` | ${info?.kind ?? ''} | ${fallback} | ${meaning} |`;
}

/** What stands in place of a default where there is none. */
function none(info: OptionInfo | undefined): string {
  return info?.required ? 'required' : 'none';
}
