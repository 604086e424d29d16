/** Removes the peers of torrents that are not approved any more: one walk through the store after each change. */

import type { Infohash } from '../../bittorrent/infohash.ts';
import type { Logger } from '../../pkg/logger.ts';
import type { PeerStore } from '../../storage/storage.ts';
import type { ListFollower } from '../list-source.ts';

export class Eviction implements ListFollower {
  readonly #evict: NonNullable<PeerStore['evict']>;
  readonly #logger: Logger;
  readonly #approval: () => (infohash: Infohash) => boolean;
  #walk: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  /**
   * @param approval what is approved at the time of the call
   * @throws Error if the store cannot evict
   */
  constructor(
    { store, logger }: { readonly store: PeerStore; readonly logger: Logger },
    approval: () => (infohash: Infohash) => boolean,
  ) {
    if (!store.evict) {
      throw new Error(
        'evict: expected a store that can remove the peers of a torrent, found one that cannot',
      );
    }
    this.#evict = store.evict.bind(store);
    this.#logger = logger;
    this.#approval = approval;
  }

  changed(): void {
    this.#again = true;
    this.#walk ??= this.#run().finally(() => {
      this.#walk = undefined;
    });
  }

  /** Ends a walk under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#walk;
  }

  async #run(): Promise<void> {
    // A list that changes during a walk needs another.
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const isApproved = this.#approval();
      try {
        await this.#evict((infohash) => this.#stopped || isApproved(infohash));
      } catch (error) {
        this.#logger.error({ err: error }, 'peers of unapproved torrents could not be removed');
      }
    }
  }
}
