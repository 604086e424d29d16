/** The hook `subnet preference` for benchmarks, whose peers have consecutive addresses (`numbered.ts`). */

import type { z } from 'zod';
import type { NamedHook } from '../../src/middleware/hook-chain.ts';
import { subnetPreferenceDriver } from '../../src/middleware/subnet-preference/driver.ts';
import { openHook } from '../../test/support/open-hook.ts';

export async function subnetPreference(
  options: z.input<typeof subnetPreferenceDriver.options>,
): Promise<NamedHook> {
  const { hook } = await openHook(subnetPreferenceDriver, options);
  return { name: subnetPreferenceDriver.name, hook };
}
