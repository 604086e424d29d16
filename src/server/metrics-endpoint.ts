/** Where the metrics are served, if anywhere: a reload may change that. */

import type { PreparedChange } from '../frontend/frontend.ts';
import type { BoundSockets } from '../pkg/bound-sockets.ts';
import { type ListenAddress, sameAddress } from '../pkg/listen-address.ts';
import type { Logger } from '../pkg/logger.ts';
import { MetricsServer } from './metrics-server.ts';
import type { Page } from './pages/page.ts';

export class MetricsEndpoint {
  readonly #pages: readonly Page[];
  readonly #logger: Logger;
  readonly #bound: BoundSockets | undefined;
  #address: ListenAddress | undefined;
  #server: MetricsServer | undefined;

  constructor(pages: readonly Page[], logger: Logger, bound?: BoundSockets) {
    this.#pages = pages;
    this.#logger = logger;
    this.#bound = bound;
  }

  /** What is bound. */
  get bound(): { readonly host: string; readonly port: number } | undefined {
    return this.#server && { host: this.#server.host, port: this.#server.port };
  }

  /**
   * Binds another address, if it is another, beside the one that is served.
   *
   * @throws Error that names the address, if it cannot be bound
   */
  async prepare(address: ListenAddress | undefined): Promise<PreparedChange> {
    const kept = sameAddress(address, this.#address);
    const server = kept ? this.#server : address && (await this.#start(address));
    return {
      commit: async () => {
        const before = this.#server;
        this.#address = address;
        this.#server = server;
        if (!kept) await before?.stop();
      },
      abandon: async () => {
        if (!kept) await server?.stop();
      },
    };
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  #start(address: ListenAddress): Promise<MetricsServer> {
    return MetricsServer.start(address, this.#pages, this.#logger, this.#bound?.take('stream', address));
  }
}
