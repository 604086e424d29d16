/** Latencies in microseconds, counted one by one up to 200 ms. */

const LONGEST = 200_000;

export class Latencies {
  readonly #counts = new Uint32Array(LONGEST);
  #total = 0;

  record(milliseconds: number): void {
    const index = Math.min(LONGEST - 1, Math.max(0, Math.floor(milliseconds * 1000)));
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#total++;
  }

  /** The least number of microseconds that `share` of the requests took no longer than. */
  quantile(share: number): number {
    let sum = 0;
    for (let us = 0; us < LONGEST; us++) {
      sum += this.#counts[us] as number;
      if (sum > 0 && sum >= share * this.#total) return us;
    }
    return 0;
  }
}
