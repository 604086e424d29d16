/** The frontends of one thread, which change together. */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { BoundAddress, Frontend, PreparedChange } from '../frontend/frontend.ts';
import type { BoundSockets } from '../pkg/bound-sockets.ts';
import type { Logger } from '../pkg/logger.ts';
import { openComponent } from './open-component.ts';
import type { PartMetrics } from './part-metrics.ts';
import { SummingRegistry } from './summing-registry.ts';
import type { TrackerConfig } from './tracker-parts.ts';

export interface FrontendsDependencies {
  readonly logger: Logger;
  readonly metrics: PartMetrics;
  /** Whether other workers open the same. */
  readonly reusePort: boolean;
  readonly bound?: BoundSockets | undefined;
}

/** A frontend under its driver's name. */
interface Named {
  readonly name: string;
  readonly frontend: Frontend;
  readonly metrics: SummingRegistry;
}

export class Frontends {
  readonly #dependencies: FrontendsDependencies;
  readonly #leaving = new Set<Named>();
  #open: readonly Named[] = [];

  constructor(dependencies: FrontendsDependencies) {
    this.#dependencies = dependencies;
  }

  get addresses(): readonly BoundAddress[] {
    return this.#open.flatMap(({ frontend }) => frontend.addresses);
  }

  /**
   * Makes all ready for a configuration: those that it has in common with the one in force, and those that are new. Of
   * these nobody knows yet, so it does no harm that they already serve.
   *
   * @throws Error with the frontend's name, and everything as it was, if one cannot be made ready
   */
  async prepare({ frontends }: TrackerConfig, logic: TrackerLogic): Promise<PreparedChange> {
    const next: Named[] = [];
    const opened: Named[] = [];
    const changes: PreparedChange[] = [];
    const abandon = async () => {
      const undone = [
        ...changes.map((change) => change.abandon()),
        ...opened.map(({ frontend }) => frontend.stop()),
      ];
      await Promise.all(undone);
    };
    try {
      for (const chosen of frontends) {
        const there = this.#open.find(({ name }) => name === chosen.component.name);
        const named = there ?? (await this.#new(chosen, logic));
        next.push(named);
        if (!there) opened.push(named);
        else changes.push(await this.#prepare(there, chosen, logic));
      }
    } catch (error) {
      await abandon();
      throw error;
    }
    return {
      commit: () => this.#commit(next, opened, changes),
      abandon,
    };
  }

  /** All at once: none takes new requests while another still answers its last. */
  async stop(): Promise<void> {
    await Promise.all([...this.#open, ...this.#leaving].map(({ frontend }) => frontend.stop()));
  }

  cut(): void {
    for (const { frontend } of [...this.#open, ...this.#leaving]) frontend.cut();
  }

  #new(chosen: TrackerConfig['frontends'][number], logic: TrackerLogic): Promise<Named> {
    const { logger, reusePort, bound } = this.#dependencies;
    const metrics = new SummingRegistry();
    return openComponent(chosen, logger, async (driver, options, own) => {
      const frontend = await driver.open(options, { logic, logger: own, metrics, reusePort, bound });
      return { name: driver.name, frontend, metrics };
    });
  }

  #prepare(
    { frontend }: Named,
    chosen: TrackerConfig['frontends'][number],
    logic: TrackerLogic,
  ): Promise<PreparedChange> {
    return openComponent(chosen, this.#dependencies.logger, (_driver, options) =>
      frontend.prepare(options, logic),
    );
  }

  async #commit(
    next: readonly Named[],
    opened: readonly Named[],
    changes: readonly PreparedChange[],
  ): Promise<void> {
    const unwanted = this.#open.filter((named) => !next.includes(named));
    this.#open = next;
    for (const { metrics } of opened) this.#dependencies.metrics.add(metrics);
    await Promise.all([
      ...changes.map((change) => change.commit()),
      ...unwanted.map((named) => this.#leave(named)),
    ]);
  }

  async #leave(named: Named): Promise<void> {
    const { metrics } = this.#dependencies;
    this.#leaving.add(named);
    metrics.leave(named.metrics);
    await named.frontend.stop();
    metrics.remove(named.metrics);
    this.#leaving.delete(named);
  }
}
