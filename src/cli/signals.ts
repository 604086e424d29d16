/** Signals of the operating system. */

import type { Logger } from '../pkg/logger.ts';

type Stop = 'SIGINT' | 'SIGTERM';

/** What a shell reports of a process that such a signal ended. */
const EXIT_CODES: Readonly<Record<Stop, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Resolves with the first signal that asks for a stop; a second one ends the process at once.
 *
 * SIGHUP and SIGUSR1 are taken in any case: left alone, the one ends the process and the other has
 * Node open its debugger to whoever can reach it.
 *
 * @param refresh called for each of these two
 */
export function handleSignals(logger: Logger, refresh: () => void): Promise<Stop> {
  for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
    process.on(signal, () => {
      logger.warn(
        { signal },
        'lists and keys are read anew, the configuration is not: live reload of it is not there yet',
      );
      refresh();
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
