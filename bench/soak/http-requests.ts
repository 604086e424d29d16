/** The load's requests over HTTP and HTTPS, and whether their answers are right. */

import { setTimeout } from 'node:timers/promises';
import { Random } from '../../src/pkg/random.ts';
import { type Bencoded, bdecode } from '../../test/support/bencode.ts';
import { percentEncode } from '../support/http-announce.ts';
import { MIN_INTERVAL, REFUSED_BY_TURNS } from './configuration.ts';
import type { HttpAnswer, HttpClients, HttpRequest } from './http-clients.ts';
import type { Judge } from './judge.ts';
import type { AnnounceAnswer, Fault, GivenPeer } from './judge-announce.ts';
import { addressOf, compactPlaces, numberedPlace, portOf, textPlace } from './places.ts';
import { type Announce, type Population, settle } from './population.ts';
import type { Swarm } from './swarm.ts';
import { View } from './view.ts';

/**
 * An answer leaves before its announce is stored, if only by a moment, and another thread may be asked for the swarm
 * then. After this it is stored (milliseconds).
 */
const STORED_AFTER = 1_000;

/** Percent of requests over TLS, and of those on connections that are kept. */
const SECURE = 20;
const KEPT = 60;

const PEER = '&peer_id=-SK10D0-mistaken+one&port=1&uploaded=0&downloaded=0';
const INFOHASH = `info_hash=${'m'.repeat(20)}`;

/** What is wrong with a request, the status and the reason that it is told. */
const MISTAKES: readonly (readonly [path: string, status: number, reason: string, method?: string])[] = [
  [`/announce?${PEER}&left=1`, 200, 'no info_hash parameter supplied'],
  [`/announce?${INFOHASH}&${INFOHASH}${PEER}&left=1`, 200, 'multiple info_hash parameters supplied'],
  [`/announce?info_hash=short${PEER}&left=1`, 200, 'provided invalid infohash'],
  [`/announce?${INFOHASH}${PEER}&left=-1`, 200, 'failed to parse parameter: left'],
  [`/announce?${INFOHASH}${PEER}&left=1&port=0`, 200, 'invalid port'],
  [`/announce?${INFOHASH}${PEER}&left=1&event=%zz`, 200, 'invalid query escape'],
  ['/scrape', 200, 'no info_hash parameter supplied'],
  ['/nothing/here', 404, ''],
  [`/announce?${INFOHASH}${PEER}&left=1`, 405, '', 'OPTIONS'],
];

const FROM_IPV4 = numberedPlace(0, false);

export class HttpRequests {
  readonly #clients: HttpClients;
  readonly #population: Population;
  readonly #judge: Judge;
  readonly #random = new Random();
  /** Requests without an answer so far, and announces that may not be stored yet. */
  underWay = 0;

  constructor(clients: HttpClients, population: Population, judge: Judge) {
    this.#clients = clients;
    this.#population = population;
    this.#judge = judge;
  }

  /** Sends one request of the mix. */
  send(): void {
    const dice = this.#random.below(100);
    if (dice < 80) this.#run(this.#announce());
    else if (dice < 90) this.#run(this.#scrape());
    else if (dice < 95) this.#run(this.#mistake());
    else this.#run(this.#refused());
  }

  #run(request: Promise<void>): void {
    this.underWay++;
    void request.finally(() => this.underWay--);
  }

  async #announce(): Promise<void> {
    const announce = this.#population.announce(performance.now());
    if (!announce) return;
    const { place, swarm, member, event, seeder, asked } = announce;
    const compact = this.#random.below(4) > 0;
    const path =
      `/announce?info_hash=${percentEncode(swarm.infohash)}&peer_id=${member.peerId}&port=${portOf(place)}` +
      `&uploaded=0&downloaded=0&left=${seeder ? 0 : 1000}&compact=${compact ? 1 : 0}` +
      `${event === 'none' ? '' : `&event=${event}`}${asked === -1 ? '' : `&numwant=${asked}`}`;
    const answered = await this.#ask('announce', path, place, (answer, since) =>
      this.#judgeAnnounce(announce, compact, answer, since),
    );
    if (!answered) return;
    await setTimeout(STORED_AFTER);
    settle(announce, performance.now());
  }

  async #scrape(): Promise<void> {
    const swarm = this.#population.toScrape();
    const view = new View(swarm, performance.now());
    const path = `/scrape?info_hash=${percentEncode(swarm.infohash)}`;
    await this.#ask('scrape', path, numberedPlace(this.#random.below(1000), swarm.ipv6), ({ body }) =>
      this.#judge.scrape(view, readScrape(body, swarm)),
    );
  }

  async #mistake(): Promise<void> {
    const [path, status, reason, method] = MISTAKES[
      this.#random.below(MISTAKES.length)
    ] as (typeof MISTAKES)[number];
    await this.#ask(
      'mistake',
      path,
      FROM_IPV4,
      (answer) => {
        const told = answer.status === 200 ? failureOf(answer.body) : '';
        if (answer.status === status && told === reason) return undefined;
        return [
          'an HTTP mistake is told otherwise',
          `${answer.status} ${told}, expected ${status} ${reason}`,
        ];
      },
      method,
    );
  }

  async #refused(): Promise<void> {
    const path = `/announce?info_hash=${percentEncode(REFUSED_BY_TURNS)}${PEER}&left=0&event=stopped&compact=1`;
    await this.#ask('announce of a torrent refused by turns', path, FROM_IPV4, ({ body }, since) => {
      const reason = failureOf(body);
      return this.#judge.byTurns(reason, reason === '' ? readAnnounce(body, true, false) : {}, since);
    });
  }

  /** Resolves to whether there was an answer to judge, right or wrong. */
  async #ask(
    what: string,
    path: string,
    place: number,
    judge: (answer: HttpAnswer, since: number) => Fault | undefined,
    method = 'GET',
  ): Promise<boolean> {
    const { sure } = this.#judge.configurations;
    const secure = this.#random.below(100) < SECURE;
    const kept = this.#random.below(100) < KEPT;
    const tally = this.#judge.asked(`${secure ? 'HTTPS' : 'HTTP'} ${what}`);
    const request: HttpRequest = { path, method, source: addressOf(place), secure, kept };
    const answer = await this.#clients.ask(request);
    if (typeof answer === 'string') {
      this.#judge.ended(tally, [
        `an HTTP request without an answer (${what}, ${kept ? 'kept' : 'new'})`,
        answer,
      ]);
      return false;
    }
    this.#judge.ended(tally, this.#judgeCertificate(answer, sure) ?? attempt(() => judge(answer, sure)));
    return true;
  }

  #judgeCertificate({ fingerprint }: HttpAnswer, since: number): Fault | undefined {
    if (fingerprint === undefined || this.#judge.configurations.mayShow(fingerprint, since)) return undefined;
    return ['a certificate of no configuration in force', fingerprint];
  }

  #judgeAnnounce(
    announce: Announce,
    compact: boolean,
    { status, body }: HttpAnswer,
    since: number,
  ): Fault | undefined {
    if (status !== 200 || failureOf(body) !== '')
      return ['an HTTP announce fails', `${status} ${body.toString('latin1')}`];
    return this.#judge.announce(announce, readAnnounce(body, compact, announce.swarm.ipv6), since);
  }
}

/** What cannot be read is wrong, too. */
function attempt(judge: () => Fault | undefined): Fault | undefined {
  try {
    return judge();
  } catch (error) {
    return ['an HTTP answer that cannot be read', (error as Error).message];
  }
}

function dictionary(value: Bencoded | undefined): Map<string, Bencoded> {
  if (value instanceof Map) return value;
  throw new TypeError(`expected a dictionary, found ${typeof value}`);
}

function integer(value: Bencoded | undefined): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`expected an integer, found ${typeof value}`);
}

/** Empty if it tells of none. */
function failureOf(body: Buffer): string {
  return dictionary(bdecode(body)).get('failure reason')?.toString() ?? '';
}

function readAnnounce(body: Buffer, compact: boolean, ipv6: boolean): AnnounceAnswer {
  const answer = dictionary(bdecode(body));
  if (integer(answer.get('min interval')) !== MIN_INTERVAL) throw new RangeError('another min interval');
  return {
    interval: integer(answer.get('interval')),
    complete: integer(answer.get('complete')),
    incomplete: integer(answer.get('incomplete')),
    peers: compact ? readCompact(answer, ipv6) : readPeers(answer.get('peers')),
  };
}

function readCompact(answer: Map<string, Bencoded>, ipv6: boolean): GivenPeer[] {
  const peers = answer.get(ipv6 ? 'peers6' : 'peers');
  if (answer.has(ipv6 ? 'peers' : 'peers6')) throw new TypeError('peers of the other family');
  // Only IPv4 clients need the key where there are no peers.
  if (peers === undefined && ipv6) return [];
  if (!Buffer.isBuffer(peers)) throw new TypeError(`expected compact peers, found ${typeof peers}`);
  return compactPlaces(peers, ipv6).map((place) => ({ place }));
}

function readPeers(peers: Bencoded | undefined): GivenPeer[] {
  if (!Array.isArray(peers)) throw new TypeError(`expected a list of peers, found ${typeof peers}`);
  return peers.map((each) => {
    const peer = dictionary(each);
    const place = textPlace(String(peer.get('ip')), integer(peer.get('port')));
    return { place, peerId: String(peer.get('peer id')) };
  });
}

function readScrape(body: Buffer, { infohash }: Swarm) {
  const file = dictionary(bdecode(body)).get('files');
  const counts = dictionary(dictionary(file).get(infohash.toString('latin1')));
  const [complete, downloaded, incomplete] = ['complete', 'downloaded', 'incomplete'].map((key) =>
    integer(counts.get(key)),
  );
  return { complete, downloaded, incomplete } as { complete: number; downloaded: number; incomplete: number };
}
