/** Makes the hooks that are configured, and the logic that calls them. */

import type { Chosen } from '../config/component.ts';
import { isMapping } from '../config/parse.ts';
import type { NamedHook } from '../middleware/hook-chain.ts';
import { HookTimes } from '../middleware/hook-times.ts';
import { Logic } from '../middleware/logic.ts';
import type { Hook, HookDriver } from '../middleware/middleware.ts';
import type { PeerStore } from '../storage/storage.ts';
import { Closers } from './closers.ts';
import { openComponent } from './open-component.ts';
import type { SharedValue } from './shared-value.ts';
import type { HooksDependencies, TrackerConfig } from './tracker-parts.ts';

/**
 * @param shared for each hook what it shares with those of other threads
 * @throws Error with the hook's name, and the hooks stopped that were made already, if one cannot be made
 */
export async function openLogic(
  config: TrackerConfig,
  store: PeerStore,
  shared: readonly SharedValue[],
  dependencies: HooksDependencies,
): Promise<Logic> {
  const { prehooks, posthooks, announceInterval, minAnnounceInterval } = config;
  const hooks = await createHooks([...prehooks, ...posthooks], shared, dependencies);
  const hookTimes = new HookTimes();
  const logic = new Logic({
    store,
    preHooks: hooks.slice(0, prehooks.length),
    postHooks: hooks.slice(prehooks.length),
    announceInterval,
    minAnnounceInterval,
    logger: dependencies.logger,
    hookTimes: timesRequests(config) ? hookTimes : undefined,
  });
  for (const metric of [logic.announces, ...hookTimes.metrics]) dependencies.metrics.register(metric);
  return logic;
}

/** Whether a frontend does: the logic is the same for all. */
function timesRequests({ frontends }: TrackerConfig): boolean {
  return frontends.some(({ options }) => isMapping(options) && options.enable_request_timing === true);
}

async function createHooks(
  chosen: readonly Chosen<HookDriver>[],
  shared: readonly SharedValue[],
  { logger, metrics }: HooksDependencies,
): Promise<NamedHook[]> {
  const hooks: NamedHook[] = [];
  const made = new Closers(logger);
  try {
    for (const [index, each] of chosen.entries()) {
      const hook = await openComponent(each, logger, async (driver, options, own) =>
        checked(await driver.create(options, { logger: own, metrics, shared: shared[index] as SharedValue })),
      );
      hooks.push({ name: each.component.name, hook });
      made.push(() => hook.stop?.());
    }
    return hooks;
  } catch (error) {
    await made.closeAll();
    throw error;
  }
}

/** A module's hook has not met a compiler, and would otherwise fail at each request. */
function checked(hook: Hook): Hook {
  for (const method of ['handleAnnounce', 'handleScrape'] as const) {
    if (typeof hook?.[method] !== 'function') {
      throw new Error(`create: expected an object with handleAnnounce and handleScrape, found no ${method}`);
    }
  }
  return hook;
}
