/** What the UDP frontend counts besides response times: bytes, and packets that got no answer. */

import type { Metric, MetricRegistry, Sample } from '../../pkg/metrics.ts';
import { ResponseMetrics } from '../response-metrics.ts';
import { registerKnownSources } from '../source-rate.ts';
import type { SourceRates } from './source-rates.ts';

/** Values of the metric's label `action`; `record` is given their indices. */
const ACTION_NAMES = ['connect', 'announce', 'scrape'];

/** Why a packet is dropped without an answer. */
export const Drop = {
  /** Shorter than any request, or longer. */
  Malformed: 0,
  /** A connect without the protocol id of BEP 15. */
  NoConnect: 1,
  /** A wrong connection id, and the error would be longer than the packet. */
  ConnectionId: 2,
  /** Too many requests wait for hooks or storage. */
  Busy: 3,
  /** Too many of its source: announces and scrapes, connects, or wrong connection ids. */
  AnnounceRate: 4,
  ConnectRate: 5,
  Banned: 6,
} as const;
export type Drop = (typeof Drop)[keyof typeof Drop];

const REASONS = [
  'malformed',
  'no_connect',
  'connection_id',
  'busy',
  'announce_rate',
  'connect_rate',
  'banned',
];

// The other words of the counts.
const RECEIVED = 7;
const SENT = 8;
const REJECTED = 9;
const BANS = 10;
const WORDS = 11;

export class UdpMetrics {
  readonly responses = new ResponseMetrics('udp', ACTION_NAMES);
  readonly #counts = new Float64Array(WORDS);

  /** Counts a packet that gets no answer, and returns the length of that. */
  dropped(reason: Drop): 0 {
    this.#add(reason, 1);
    return 0;
  }

  /** Counts a request with a connection id that is not good. */
  rejected(): void {
    this.#add(REJECTED, 1);
  }

  /** Counts a source that is banned. */
  banned(): void {
    this.#add(BANS, 1);
  }

  /** Counts bytes, of a batch. */
  moved(received: number, sent: number): void {
    this.#add(RECEIVED, received);
    this.#add(SENT, sent);
  }

  /**
   * @param lost how many packets the kernel had no room for, `undefined` where it does not tell
   * @param rates the limits in force
   */
  register(registry: MetricRegistry, lost: () => number | undefined, rates: () => SourceRates): void {
    registerKnownSources(registry, 'udp', () => {
      const { announces, connects, badIds } = rates();
      return { announces, connects, bad_ids: badIds };
    });
    registry.register(this.responses);
    const counter = (name: string, help: string, collect: () => Sample[]): void => {
      registry.register({ name, help, type: 'counter', collect } satisfies Metric);
    };
    const count = (word: number) => () => [{ labels: {}, value: this.#counts[word] as number }];
    counter('chihaya_udp_received_bytes_total', 'Bytes in packets received', count(RECEIVED));
    counter('chihaya_udp_sent_bytes_total', 'Bytes in packets sent', count(SENT));
    counter(
      'chihaya_udp_connection_ids_rejected_total',
      'Requests whose connection ID was wrong or too old',
      count(REJECTED),
    );
    counter('chihaya_udp_bans_total', 'Bans of sources that sent too many bad connection IDs', count(BANS));
    counter('chihaya_udp_dropped_packets_total', 'Packets that got no answer, by reason', () => {
      const value = lost();
      return [
        ...REASONS.map((reason, word) => ({ labels: { reason }, value: this.#counts[word] as number })),
        ...(value === undefined ? [] : [{ labels: { reason: 'buffer' }, value }]),
      ];
    });
  }

  #add(word: number, amount: number): void {
    this.#counts[word] = (this.#counts[word] as number) + amount;
  }
}
