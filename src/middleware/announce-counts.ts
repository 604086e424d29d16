/** `chihaya_announces_total`: announces that were answered with peers, by event and family of the peer. */

import { AddressFamily } from '../bittorrent/address-family.ts';
import type { AnnounceRequest } from '../bittorrent/announce.ts';
import { type AnnounceEvent, eventName } from '../bittorrent/event.ts';
import type { Metric, Sample } from '../pkg/metrics.ts';

const EVENTS: readonly AnnounceEvent[] = [0, 1, 2, 3];

export class AnnounceCounts implements Metric {
  readonly name = 'chihaya_announces_total';
  readonly help = 'Announces that were answered without an error';
  readonly type = 'counter';
  /** IPv4 and IPv6, event by event. */
  readonly #counts = new Float64Array(2 * EVENTS.length);

  count({ event, peer }: AnnounceRequest): void {
    const at = 2 * event + (peer.family === AddressFamily.IPv4 ? 0 : 1);
    this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  collect(): Sample[] {
    return EVENTS.flatMap((event) =>
      ['IPv4', 'IPv6'].map((family, i) => ({
        labels: { event: eventName(event), address_family: family },
        value: this.#counts[2 * event + i] as number,
      })),
    );
  }
}
