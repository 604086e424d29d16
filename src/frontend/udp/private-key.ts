/** The secret that connection ids are made with: the one configured, or else a random one. */

import { randomBytes } from 'node:crypto';
import type { Logger } from '../../pkg/logger.ts';
import { PLACEHOLDER_KEY, type UdpOptions } from './config.ts';

export interface ChosenKey {
  readonly key: string;
  /** Whether the configuration has it. */
  readonly configured: boolean;
}

/** @param before the choice in force: where none is configured, a random key stays what it is */
export function choosePrivateKey(
  { private_key }: UdpOptions,
  before: ChosenKey | undefined,
  logger: Logger,
): ChosenKey {
  if (private_key !== undefined && private_key !== PLACEHOLDER_KEY)
    return { key: private_key, configured: true };
  if (before?.configured === false) return before;
  logger.warn(
    "udp.private_key is not set (the example file's text counts as none): a random one is used until the next start. " +
      "Set it to a secret text so that clients keep their connection IDs over a restart, and trackers behind one address accept each other's",
  );
  return { key: randomBytes(32).toString('base64'), configured: false };
}
