/**
 * `chihaya_<protocol>_response_duration_milliseconds`: how many requests a frontend answered and how
 * long they took, by action, address family and error. Counted in a typed array, read at scrape time.
 */

import { AddressFamily } from '../bittorrent/address-family.ts';
import { ClientError } from '../bittorrent/client-error.ts';
import { DurationHistogram, type Metric, type Sample } from '../pkg/metrics.ts';

const FAMILIES = ['Unknown', 'IPv4', 'IPv6'] as const;

/** Fixed texts are few. Should a hook make errors per request all the same, they end in one label. */
const MAX_ERRORS = 256;
const OTHER = 'other client error';

export class ResponseMetrics implements Metric {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly #actions: readonly string[];
  readonly #histogram = new DurationHistogram();
  /** Error labels by number; 0 is none, 1 an internal error. */
  readonly #errors = ['', 'internal error'];
  readonly #errorNumbers = new Map<string, number>();

  /** @param actions the values of the label `action`; `record` is given their indices */
  constructor(protocol: string, actions: readonly string[]) {
    this.name = `chihaya_${protocol}_response_duration_milliseconds`;
    this.help = `The duration of time it takes to receive and write a response to a ${protocol.toUpperCase()} request, in milliseconds`;
    this.#actions = actions;
  }

  /**
   * @param family that of the request; `undefined` if it failed before one was known
   * @param error what went wrong: a ClientError counts under its text, everything else as internal
   * @param milliseconds 0 without request timing
   */
  record(action: number, family: AddressFamily | undefined, error: unknown, milliseconds: number): void {
    const familyNumber = family === undefined ? 0 : family === AddressFamily.IPv4 ? 1 : 2;
    const errorNumber = error === undefined ? 0 : this.#errorNumber(error);
    const row = (errorNumber * this.#actions.length + action) * FAMILIES.length + familyNumber;
    this.#histogram.record(row, milliseconds);
  }

  collect(): Sample[] {
    return this.#errors.flatMap((error, e) =>
      this.#actions.flatMap((action, a) =>
        FAMILIES.flatMap((family, f) =>
          this.#histogram.samples((e * this.#actions.length + a) * FAMILIES.length + f, {
            action,
            address_family: family,
            error,
          }),
        ),
      ),
    );
  }

  #errorNumber(error: unknown): number {
    if (!(error instanceof ClientError)) return 1;
    const known = this.#errorNumbers.get(error.message);
    if (known !== undefined) return known;
    const text = this.#errors.length < MAX_ERRORS ? error.message : OTHER;
    const number = this.#errorNumbers.get(text) ?? this.#errors.push(text) - 1;
    // Texts beyond the bound are not remembered one by one.
    this.#errorNumbers.set(text, number);
    return number;
  }
}
