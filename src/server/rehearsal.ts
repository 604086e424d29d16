/**
 * What can be tried of a start without one: names are looked up and hooks opened, with all that they read, and
 * stopped again. Nothing is bound, so that a tracker may run meanwhile; the store is not opened, which might write
 * where that tracker writes. Hooks see an empty one in memory.
 */

import { lookup } from 'node:dns/promises';
import { systemClock } from '../pkg/clock.ts';
import { formatHostPort, type ListenAddress } from '../pkg/listen-address.ts';
import type { Logger } from '../pkg/logger.ts';
import { storageDrivers } from '../storage/drivers.ts';
import type { PeerStore } from '../storage/storage.ts';
import { Closers } from './closers.ts';
import { listenAddresses } from './listen-addresses.ts';
import { MetricSet } from './metric-set.ts';
import { openLogic } from './open-logic.ts';
import { SharedSources } from './shared-sources.ts';
import { SummingRegistry } from './summing-registry.ts';
import type { TrackerConfig } from './tracker-parts.ts';

/** Resolves with what would keep the tracker from starting: a line each, none if nothing does. */
export async function rehearse(config: TrackerConfig, logger: Logger): Promise<string[]> {
  const [memory] = storageDrivers;
  const store = await memory.open(memory.options.parse({}), {
    logger,
    metrics: new MetricSet(),
    clock: systemClock,
    upkeep: false,
  });
  try {
    const problems = await Promise.all([
      ...listenAddresses(config).map(({ key, address }) => tryAddress(key, address)),
      ...[...config.prehooks, ...config.posthooks].map((hook) => tryHook(config, hook, store, logger)),
    ]);
    return problems.filter((problem) => problem !== undefined);
  } finally {
    await store.stop();
  }
}

async function tryAddress(key: string, { host, port }: ListenAddress): Promise<string | undefined> {
  if (host === undefined) return undefined;
  try {
    await lookup(host);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOTFOUND' ? 'the name is not known (ENOTFOUND)' : message;
    return `${key}: cannot listen on ${formatHostPort(host, port)}: ${reason}`;
  }
}

/** Each hook for itself, so that one that fails hides no other. */
async function tryHook(
  config: TrackerConfig,
  hook: TrackerConfig['prehooks'][number],
  store: PeerStore,
  logger: Logger,
): Promise<string | undefined> {
  const alone = { ...config, prehooks: [hook], posthooks: [] };
  const dependencies = { logger, metrics: new SummingRegistry() };
  const open = new Closers(logger);
  try {
    const sources = await SharedSources.open(alone, store, dependencies);
    open.push(() => sources.stop());
    const logic = await openLogic(alone, store, sources.shared, dependencies);
    open.push(() => logic.stop());
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await open.closeAll();
  }
}
