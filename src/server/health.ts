/** Whether the tracker can be sent requests, and if not, what is in the way. */

import type { TrackerParts } from './tracker-parts.ts';

export class Health {
  #parts: Pick<TrackerParts, 'addresses' | 'serving' | 'store'> | undefined;
  #stopping = false;

  /** Every part is open. */
  started(parts: Pick<TrackerParts, 'addresses' | 'serving' | 'store'>): void {
    this.#parts = parts;
  }

  /** From now on the tracker only ends what is under way. */
  stopping(): void {
    this.#stopping = true;
  }

  /** A sentence for each thing that is in the way; none if the tracker is ready. */
  obstacles(): string[] {
    if (this.#stopping) return ['the tracker is stopping'];
    if (!this.#parts) return ['the tracker is starting'];
    const { addresses, serving, store } = this.#parts;
    const obstacles: string[] = [];
    if (addresses.length === 0) obstacles.push('no socket is bound: no frontend has an address');
    if (serving === 0) obstacles.push('no worker serves: another is being started');
    if (store.ready?.() === false) obstacles.push('the store does not answer');
    return obstacles;
  }
}
