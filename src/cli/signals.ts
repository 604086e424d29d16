/** Signals of the operating system. */

import type { Logger } from '../pkg/logger.ts';

type Stop = 'SIGINT' | 'SIGTERM';

/** What a shell reports of a process that such a signal ended. */
const EXIT_CODES: Readonly<Record<Stop, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Resolves with the first signal that asks for a stop; a second one ends the process at once.
 *
 * @param reload called for each SIGHUP and SIGUSR1
 */
export function handleSignals(logger: Logger, reload: () => void): Promise<Stop> {
  for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
    process.on(signal, () => {
      logger.info({ signal }, 'reloading');
      reload();
    });
  }
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(EXIT_CODES[signal]);
        asked = true;
        resolve(signal);
      });
    }
  });
}
