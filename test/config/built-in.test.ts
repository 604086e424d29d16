/** The configuration with the components that ship. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { load } from '../../src/config/load.ts';
import { builtIn } from '../../src/server/built-in.ts';

describe("the original's example file", () => {
  test('loads unchanged', async () => {
    const config = await load('test/config/fixtures/original_example_config.yaml', async () => builtIn);
    expect(config.warnings).toEqual([]);
    expect(config.frontends.map(({ component }) => component.name)).toEqual(['http', 'udp']);
    expect(config.frontends[0]?.shown).toMatchObject({ read_timeout: '5s', https_addr: '' });
    expect(config.storage.shown).toMatchObject({ peer_lifetime: '31m', shard_count: 1024 });
    expect(config.prehooks).toEqual([]);
  });

  test('the fixture has every key of the original', () => {
    const text = readFileSync('test/config/fixtures/original_example_config.yaml', 'utf8');
    const keys = [...text.matchAll(/^ *(?:- )?([a-z_]+):/gm)].map(([, key]) => key);
    // Counted in the original, comments aside.
    expect(new Set(keys).size).toBe(32);
  });
});
