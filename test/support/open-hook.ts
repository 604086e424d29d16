/** A hook as a tracker of one thread has it: its source opened first, then the hook itself. */

import type { z } from 'zod';
import type { Hook, HookDriver, SharedSource } from '../../src/middleware/middleware.ts';
import { systemClock } from '../../src/pkg/clock.ts';
import { type Logger, silentLogger } from '../../src/pkg/logger.ts';
import type { MetricRegistry } from '../../src/pkg/metrics.ts';
import { SharedValue } from '../../src/server/shared-value.ts';
import { MemoryPeerStore } from '../../src/storage/memory/peer-store.ts';
import type { PeerStore } from '../../src/storage/storage.ts';

export interface HookSurroundings {
  readonly logger?: Logger;
  readonly metrics?: MetricRegistry;
  readonly store?: PeerStore;
}

export interface OpenHook {
  readonly hook: Hook;
  readonly source: SharedSource | undefined;
  /** Stops the hook, then its source. */
  stop(): Promise<void>;
}

/** @param options as the configuration has them */
export async function openHook<Schema extends z.ZodType, Value>(
  driver: HookDriver<Schema, Value>,
  options: z.input<Schema>,
  surroundings: HookSurroundings = {},
): Promise<OpenHook> {
  const { logger = silentLogger, metrics = { register() {} } } = surroundings;
  const store = surroundings.store ?? MemoryPeerStore.create({ shardCount: 1, clock: systemClock });
  const parsed = driver.options.parse(options);
  const ask = (message: unknown) => source?.receive?.(message);
  const shared = new SharedValue(undefined, ask);
  const publish = (value: Value) => shared.set(value);
  const source = await driver.share?.(parsed, { logger, metrics, store, publish });
  if (source) shared.set(source.value);
  const hook = await driver.create(parsed, { logger, metrics, shared: shared as never });
  return {
    hook,
    source,
    async stop() {
      await hook.stop?.();
      await source?.stop?.();
    },
  };
}
