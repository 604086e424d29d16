/**
 * The contract of a frontend: one protocol, on one or more sockets.
 *
 * A frontend reads requests, parses and sanitises them, passes them to the TrackerLogic, writes the
 * answer and then tells the logic that it has. It sees nothing of hooks or storage. Whatever arrives,
 * it neither crashes nor stops serving others; a ClientError is told to the client, every other
 * failure is logged and told as `internal server error`.
 *
 * Every frontend passes `test/conformance/frontend.ts`.
 */

import type { z } from 'zod';
import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { Logger } from '../pkg/logger.ts';
import type { MetricRegistry } from '../pkg/metrics.ts';

/** An address that a frontend has bound, with the port the system gave where 0 was asked for. */
export interface BoundAddress {
  readonly protocol: 'http' | 'https' | 'udp';
  readonly host: string;
  readonly port: number;
}

export interface Frontend {
  /** What is bound; constant while the frontend runs. */
  readonly addresses: readonly BoundAddress[];
  /**
   * Takes no new requests, answers those under way and runs their PostHooks, then closes the sockets.
   * Resolves when the last of that is done. A second call returns the same promise.
   */
  stop(): Promise<void>;
}

/** What a frontend is made with besides its options. */
export interface FrontendDependencies {
  readonly logic: TrackerLogic;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
}

/** A kind of frontend: a folder here, and a line in `drivers.ts`. */
export interface FrontendDriver<Schema extends z.ZodType = z.ZodType> {
  /** Its key in the configuration file. */
  readonly name: string;
  /** One sentence for the generated documentation. */
  readonly summary: string;
  /** The schema of its block: strict, with defaults. */
  readonly options: Schema;
  /** Binds the sockets and serves. Rejects, with everything closed again, if one cannot be bound. */
  open(options: z.output<Schema>, dependencies: FrontendDependencies): Promise<Frontend>;
}

/** Ties the type of `open`'s options to the schema. */
export function defineFrontendDriver<Schema extends z.ZodType>(
  driver: FrontendDriver<Schema>,
): FrontendDriver<Schema> {
  return driver;
}
