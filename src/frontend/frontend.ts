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
import type { BoundSockets, SocketType } from '../pkg/bound-sockets.ts';
import type { Logger } from '../pkg/logger.ts';
import type { MetricRegistry } from '../pkg/metrics.ts';

/** An address that a frontend has bound, with the port the system gave where 0 was asked for. */
export interface BoundAddress {
  readonly protocol: 'http' | 'https' | 'udp';
  readonly host: string;
  readonly port: number;
}

export interface Frontend<Options = unknown> {
  /** What is bound. */
  readonly addresses: readonly BoundAddress[];
  /**
   * Makes ready to go on with other options and another logic: everything that can fail happens here, and nothing
   * of it shows until `commit`. A socket whose address stays is kept; others are bound beside those that serve.
   * Rejects as the driver's `open` does, with everything closed again that was opened for it.
   */
  prepare(options: Options, logic: TrackerLogic): Promise<PreparedChange>;
  /**
   * Takes no new requests, answers those under way and runs their PostHooks, then closes the sockets.
   * Resolves when the last of that is done. A second call returns the same promise.
   */
  stop(): Promise<void>;
  /** Ends a stop that takes too long: closes whatever is open. What is then still under way is answered to nobody. */
  cut(): void;
}

/** A change that a frontend is ready for. One of the two methods is to be called, once. */
export interface PreparedChange {
  /**
   * The change takes effect, at once: requests that are read from now on have the new options and the new logic, those
   * under way end as they began. Resolves when the last of these has ended, and nothing is bound any more
   * that is not wanted.
   */
  commit(): Promise<void>;
  /** Everything stays as it was. */
  abandon(): Promise<void>;
}

/** What a frontend is made with besides its options. */
export interface FrontendDependencies {
  readonly logic: TrackerLogic;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** Whether other workers bind the same addresses (SO_REUSEPORT). */
  readonly reusePort: boolean;
  /** Those to listen on instead of binding their addresses. */
  readonly bound?: BoundSockets | undefined;
}

/** What `settle` is given besides the options. */
export interface SettleDependencies<Options = unknown> {
  readonly logger: Logger;
  /** In a reload: the options in force, as the configuration had them and as they were settled. */
  readonly before?: { readonly given: Options; readonly settled: Options } | undefined;
  /** Their addresses need not be tried. */
  readonly bound?: BoundSockets | undefined;
}

/** A kind of frontend: a folder here, and a line in `drivers.ts`. */
export interface FrontendDriver<Schema extends z.ZodType = z.ZodType> {
  /** Its key in the configuration file. */
  readonly name: string;
  /** One sentence for the generated documentation. */
  readonly summary: string;
  /** The schema of its block: strict, with defaults. */
  readonly options: Schema;
  /** Of the sockets at the addresses among its options. */
  readonly socketType: SocketType;
  /** Binds the sockets and serves. Rejects, with everything closed again, if one cannot be bound. */
  open(options: z.output<Schema>, dependencies: FrontendDependencies): Promise<Frontend<z.output<Schema>>>;
  /**
   * Called once before several workers open the frontend, and before they change it. Returns the options they all open it with, which are
   * sent to their threads: with the port the system gives where 0 is asked for, and with whatever else they
   * must have in common. Rejects as `open` does if an address cannot be bound: workers would not notice, since
   * sockets with SO_REUSEPORT bind what others hold. An address that the workers serve already is settled.
   */
  settle?(
    options: z.output<Schema>,
    dependencies: SettleDependencies<z.output<Schema>>,
  ): Promise<z.output<Schema>>;
}

/** Ties the type of `open`'s options to the schema. */
export function defineFrontendDriver<Schema extends z.ZodType>(
  driver: FrontendDriver<Schema>,
): FrontendDriver<Schema> {
  return driver;
}
