/** Writes `dist/example_config.yaml`: every key, commented, with its default or an example. */

import type { z } from 'zod';
import { type Component, type Components, type Option, optionsOf } from './component.ts';
import { rootOptions } from './parse.ts';

const WIDTH = 96;

const HEAD = `# An example configuration with every key. Keys that are left out have the values shown here,
# except for addresses and paths: without them a part is not started.
# Written by \`npm run generate\`.
`;

export function exampleConfig({ frontends, stores, hooks }: Components): string {
  const [store, ...otherStores] = stores;
  const parts = [
    `${HEAD}chihaya:`,
    optionLines(rootOptions, '  '),
    ...frontends.flatMap((frontend) => [
      '',
      comment(`${frontend.summary} Without this block it is not started.`, '  '),
      `  ${frontend.name}:`,
      optionLines(frontend.options, '    '),
    ]),
    '',
    comment('Where the peers are kept.', '  '),
    ...(store ? [storeBlock(store)] : []),
    ...otherStores.flatMap((other) => ['', commentedOut(storeBlock(other), 2)]),
    '',
    comment('Rules that every request passes before its answer is written, in this order.', '  '),
    '  prehooks:',
    ...hooks.flatMap((hook) => [comment(hook.summary, '    '), commentedOut(hookBlock(hook), 4), '']),
    comment('Rules that every request passes after its answer was written, in this order.', '  '),
    '  posthooks:',
  ];
  return `${parts.join('\n')}\n`;
}

function storeBlock({ name, summary, options }: Component): string {
  return [
    '  storage:',
    comment(summary, '    '),
    `    name: ${name}`,
    '    config:',
    optionLines(options, '      '),
  ].join('\n');
}

function hookBlock({ name, options }: Component): string {
  const lines = optionLines(options, '        ');
  return [`    - name: ${name}`, ...(lines === '' ? [] : ['      options:', lines])].join('\n');
}

function optionLines(schema: z.ZodType, indent: string): string {
  return optionsOf(schema)
    .map(
      (option) =>
        `${comment(option.info?.description ?? '', indent)}\n${indent}${option.name}: ${writtenValue(option)}`,
    )
    .join('\n');
}

/** The example where there is one, for what has no default would show nothing. */
function writtenValue({ info }: Option): string {
  return info?.example ?? info?.defaultText ?? '""';
}

/** `text` as comment lines of bounded width. */
function comment(text: string, indent: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (`${indent}# ${line} ${word}`.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `${indent}# ${line}`).join('\n');
}

function commentedOut(block: string, indent: number): string {
  return block.replace(/^ */gm, (spaces) => `${spaces.slice(0, indent)}# ${spaces.slice(indent)}`);
}
