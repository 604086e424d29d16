/**
 * The tracker's configuration, another at each reload: another interval, other hooks, another certificate, another list of torrents that are
 * refused. By its answers one can tell which of them is in force.
 */

import { X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '../../test/support/certificate.ts';

/** Short, so that collection always has something to do (milliseconds). */
export const PEER_LIFETIME = 20_000;
const LONGEST_GC_INTERVAL = 2_000;
/** A collection may be late where others want the processor. */
const LATE = 12_000;
/** A peer not heard from for so long has been collected. */
export const COLLECTED_AFTER = PEER_LIFETIME + LONGEST_GC_INTERVAL + LATE;

export const SNAPSHOT_INTERVAL = 3_000;

/** Intervals of one configuration, and of the next, in seconds. */
const INTERVAL = 1_000;
const INTERVALS = 50;
const STEP = 10;
export const MIN_INTERVAL = 900;

/** Entries of the list of refused torrents that nobody announces. */
const LISTED = 1_000;

/** Refused by every other configuration, beginning with the second. */
export const REFUSED_BY_TURNS = Buffer.from('5ef05ed0'.repeat(5), 'hex');

/** A key is changed at most so often: connection ids of the key before the last are no good (milliseconds). */
const KEY_KEPT = 60_000;

export class Configurations {
  readonly #directory: string;
  readonly #workers: number;
  readonly #address: string;
  readonly #fingerprints: string[] = [];
  /** The number of the last one that is in force for certain, and of the one that may be. */
  #sure = 0;
  #possible = 0;
  #key = 0;
  #keyedAt = performance.now();

  constructor(directory: string, workers: number, ipv6: boolean) {
    this.#directory = directory;
    this.#workers = workers;
    this.#address = ipv6 ? ':0' : '127.0.0.1:0';
    this.#prepare();
  }

  get path(): string {
    return join(this.#directory, 'chihaya.yaml');
  }

  /** The one in force for certain. */
  get sure(): number {
    return this.#sure;
  }

  /** Writes the next one: from now on it may be in force. */
  next(): void {
    this.#possible++;
    if (performance.now() - this.#keyedAt > KEY_KEPT) {
      this.#key++;
      this.#keyedAt = performance.now();
    }
    this.#prepare();
  }

  /** The one written last is in force. */
  settle(): void {
    this.#sure = this.#possible;
  }

  /** Writes one that must be refused. */
  break(): void {
    const mistaken = { ...this.#configuration(this.#possible + 1), announce_intervall: '99s' };
    writeFileSync(this.path, JSON.stringify({ chihaya: mistaken }));
  }

  /** Writes the good one again. */
  mend(): void {
    this.#write();
  }

  /** Whether one may have been in force since `since` that `fits`. */
  #some(since: number, fits: (number: number) => boolean): boolean {
    for (let number = since; number <= this.#possible; number++) if (fits(number)) return true;
    return false;
  }

  /** @param since the one in force for certain when the request was sent */
  mayTell(interval: number, since: number): boolean {
    return this.#some(since, (number) => {
      const more = interval - intervalOf(number);
      return more >= 0 && more < STEP;
    });
  }

  mayShow(fingerprint: string, since: number): boolean {
    return this.#some(since, (number) => this.#fingerprints[number] === fingerprint);
  }

  mayRefuse(since: number): boolean {
    return this.#some(since, refuses);
  }

  mayServe(since: number): boolean {
    return this.#some(since, (number) => !refuses(number));
  }

  #prepare(): void {
    const { certificate } = makeCertificate(this.#directory, ['127.0.0.1', '::1']);
    this.#fingerprints[this.#possible] = new X509Certificate(readFileSync(certificate)).fingerprint256;
    const listed = Array.from({ length: LISTED }, (_, i) => (LISTED * this.#possible + i).toString(16));
    const lines = listed.map((each) => each.padStart(40, '0'));
    if (refuses(this.#possible)) lines.push(REFUSED_BY_TURNS.toString('hex'));
    // The tracker reads it as soon as it changes: it must never see half of it.
    writeFileSync(`${this.#list}.new`, `${lines.join('\n')}\n`);
    renameSync(`${this.#list}.new`, this.#list);
    this.#write();
  }

  get #list(): string {
    return join(this.#directory, 'refused.txt');
  }

  #write(): void {
    // JSON is YAML.
    writeFileSync(this.path, JSON.stringify({ chihaya: this.#configuration(this.#possible) }));
  }

  #configuration(number: number): object {
    const odd = number % 2 === 1;
    return {
      workers: this.#workers,
      announce_interval: `${intervalOf(number)}s`,
      min_announce_interval: `${MIN_INTERVAL}s`,
      metrics_addr: '127.0.0.1:0',
      http: {
        addr: this.#address,
        https_addr: this.#address,
        tls_cert_path: join(this.#directory, 'certificate.pem'),
        tls_key_path: join(this.#directory, 'key.pem'),
        enable_keepalive: true,
        read_timeout: `${2 + (number % 3)}s`,
      },
      udp: { addr: this.#address, private_key: `key ${this.#key}` },
      storage: {
        name: 'memory',
        config: {
          peer_lifetime: `${PEER_LIFETIME}ms`,
          gc_interval: `${odd ? LONGEST_GC_INTERVAL / 2 : LONGEST_GC_INTERVAL}ms`,
          snapshot_path: join(this.#directory, 'swarms.snapshot'),
          snapshot_interval: `${SNAPSHOT_INTERVAL}ms`,
        },
      },
      prehooks: [
        { name: 'torrent approval', options: { blacklist_file: this.#list } },
        {
          name: 'interval variation',
          options: { modify_response_probability: 0.5, max_increase_delta: STEP - 1 },
        },
        ...(odd
          ? [{ name: 'client approval', options: { blacklist: [`XX${1000 + (number % 1000)}`] } }]
          : []),
      ],
    };
  }
}

function intervalOf(number: number): number {
  return INTERVAL + STEP * (number % INTERVALS);
}

function refuses(number: number): boolean {
  return number % 2 === 1;
}
