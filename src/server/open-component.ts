/** Opening what a configuration names. */

import type { Chosen, Component } from '../config/component.ts';
import type { Logger } from '../pkg/logger.ts';
import type { PeerStore } from '../storage/storage.ts';
import type { TrackerConfig } from './tracker-parts.ts';

/** Opens one component with a logger of its own; a failure is told with the component's name. */
export async function openComponent<C extends Component, T>(
  { component, options }: Chosen<C>,
  logger: Logger,
  how: (component: C, options: unknown, logger: Logger) => T | Promise<T>,
): Promise<T> {
  try {
    return await how(component, options, logger.child({ component: component.name }));
  } catch (error) {
    throw new Error(`${component.name}: ${(error as Error).message}`, { cause: error });
  }
}

/** Gives the store that is open the options of a configuration that `applicable` has made. */
export function tuneStore(store: PeerStore, { storage }: TrackerConfig): void {
  storage.component.tune?.(store, storage.options);
}

/** Logs the configuration: that at the top, and each component's. */
export function tellConfiguration(config: TrackerConfig, logger: Logger): void {
  for (const warning of config.warnings) logger.warn(warning);
  logger.info({ config: config.shown }, 'tracker configuration');
  if (config.frontends.length === 0) logger.warn('no frontend is configured: nobody will be answered');
  for (const { component, shown } of [
    config.storage,
    ...config.prehooks,
    ...config.posthooks,
    ...config.frontends,
  ]) {
    logger.child({ component: component.name }).info({ config: shown }, `${component.name} configuration`);
  }
}
