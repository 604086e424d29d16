/** The load's requests over UDP, and whether their answers are right. */

import { randomBytes } from 'node:crypto';
import {
  ACTION,
  Action,
  ANNOUNCE_ANSWER_PEERS,
  ANSWER_HEADER,
  EVENT,
  INFOHASH,
  PEER_ID,
  REQUEST_HEADER,
  SCRAPE_ENTRY,
} from '../../src/frontend/udp/packet.ts';
import { Random } from '../../src/pkg/random.ts';
import { ANNOUNCE_LENGTH, writeAnnounce } from '../support/announce-packet.ts';
import { REFUSED_BY_TURNS } from './configuration.ts';
import type { Judge } from './judge.ts';
import type { AnnounceAnswer, Fault } from './judge-announce.ts';
import { compactPlaces, numberedPlace, portOf, sourceOf } from './places.ts';
import { type Event, type Population, settle } from './population.ts';
import type { Swarm } from './swarm.ts';
import type { UdpClients } from './udp-clients.ts';
import { View } from './view.ts';

const EVENTS: Readonly<Record<Event, number>> = { none: 0, completed: 1, started: 2, stopped: 3 };

/** BEP 41: the path and query of a URL. */
const URL_DATA = Buffer.from('\x02\x12/announce?key=soak');
const BEYOND_THE_END = Buffer.from('\x02\x20/announce');

/** What is wrong with a packet, and what its sender is told. */
const MISTAKES: readonly (readonly [(packet: Buffer) => Buffer, string])[] = [
  [(packet) => packet.subarray(0, 60), 'malformed packet'],
  [(packet) => Buffer.concat([packet, BEYOND_THE_END]), 'malformed packet'],
  [(packet) => written(packet, 9, EVENT), 'malformed event ID'],
  [(packet) => written(packet, 7, ACTION), 'unknown action ID'],
  [(packet) => written(packet, 0xdeadbeef, 4), 'bad connection ID'],
  [(packet) => packet.fill(0, ANNOUNCE_LENGTH - 2), 'invalid port'],
];

const FROM_IPV4 = numberedPlace(0, false);

export class UdpRequests {
  readonly #clients: UdpClients;
  readonly #population: Population;
  readonly #judge: Judge;
  readonly #random = new Random();

  constructor(clients: UdpClients, population: Population, judge: Judge) {
    this.#clients = clients;
    this.#population = population;
    this.#judge = judge;
  }

  /** Sends one request of the mix. */
  send(): void {
    const dice = this.#random.below(100);
    if (dice < 90) this.#announce();
    else if (dice < 96) this.scrape(this.#swarms());
    else if (dice < 98) this.#mistake();
    else if (dice < 99) this.#refused();
    else this.#silence();
  }

  /** @param swarms of one family */
  scrape(swarms: readonly Swarm[]): void {
    const now = performance.now();
    const views = swarms.map((swarm) => new View(swarm, now));
    const tally = this.#judge.asked('UDP scrape');
    const socket = this.#socket(numberedPlace(this.#random.below(1000), swarms[0]?.ipv6 ?? false));
    const header = this.#header(socket, Action.Scrape);
    const packet = Buffer.concat([header, ...swarms.map(({ infohash }) => infohash)]);
    this.#clients.ask(socket, packet, (answer) => this.#judge.ended(tally, this.#judgeScrape(views, answer)));
  }

  #announce(): void {
    const announce = this.#population.announce(performance.now());
    if (!announce) return;
    const { place, swarm, member, event, seeder, asked } = announce;
    const { sure } = this.#judge.configurations;
    const tally = this.#judge.asked('UDP announce');
    const socket = this.#socket(place);
    const packet = this.#announcePacket(socket, swarm.infohash, member.peerId, place, seeder, asked);
    packet.writeUInt32BE(EVENTS[event], EVENT);
    const sent = this.#random.below(10) === 0 ? Buffer.concat([packet, URL_DATA]) : packet;
    this.#clients.ask(socket, sent, (answer) => {
      const read = readAnnounce(answer, swarm.ipv6);
      const fault = isFault(read) ? read : this.#judge.announce(announce, read, sure);
      this.#judge.ended(tally, fault);
      // Without an answer nobody knows whether the tracker knows.
      if (!isFault(read)) settle(announce, performance.now());
    });
  }

  /** Some swarms of one family. */
  #swarms(): readonly Swarm[] {
    const drawn = Array.from({ length: 1 + this.#random.below(3) }, () => this.#population.toScrape());
    return drawn.filter(({ ipv6 }) => ipv6 === drawn[0]?.ipv6);
  }

  #judgeScrape(views: readonly View[], answer: Buffer | undefined): Fault | undefined {
    if (!answer) return ['a UDP scrape without an answer', ''];
    if (
      answer.readUInt32BE(0) !== Action.Scrape ||
      answer.length !== ANSWER_HEADER + SCRAPE_ENTRY * views.length
    )
      return ['no answer to a UDP scrape', answer.toString('latin1')];
    for (const [i, view] of views.entries()) {
      const at = ANSWER_HEADER + SCRAPE_ENTRY * i;
      const [complete, downloaded, incomplete] = [0, 4, 8].map((each) => answer.readUInt32BE(at + each));
      const fault = this.#judge.scrape(view, { complete, downloaded, incomplete } as never);
      if (fault) return fault;
    }
    return undefined;
  }

  #mistake(): void {
    const socket = this.#socket(FROM_IPV4);
    const [mistaken, text] = MISTAKES[this.#random.below(MISTAKES.length)] as (typeof MISTAKES)[number];
    const packet = this.#announcePacket(socket, randomBytes(20), '-SK10D0-mistaken one', FROM_IPV4, false, 0);
    const tally = this.#judge.asked('UDP mistake');
    this.#clients.ask(socket, mistaken(packet), (answer) => {
      const told = errorText(answer);
      this.#judge.ended(
        tally,
        told === text ? undefined : ['a UDP mistake is told otherwise', `${told}, expected ${text}`],
      );
    });
  }

  #refused(): void {
    const socket = this.#socket(FROM_IPV4);
    const { sure } = this.#judge.configurations;
    const packet = this.#announcePacket(socket, REFUSED_BY_TURNS, '-SK10D0-refused once', FROM_IPV4, true, 0);
    packet.writeUInt32BE(EVENTS.stopped, EVENT);
    const tally = this.#judge.asked('UDP announce of a torrent refused by turns');
    this.#clients.ask(socket, packet, (answer) => {
      const read = readAnnounce(answer, false);
      const text = isFault(read) ? errorText(answer) : '';
      this.#judge.ended(tally, this.#judge.byTurns(text, isFault(read) ? {} : read, sure));
    });
  }

  /** What is no request of BEP 15 has no answer: one that comes nobody waits for. */
  #silence(): void {
    this.#judge.asked('UDP packet that is no request').right++;
    this.#clients.send(this.#socket(FROM_IPV4), randomBytes(this.#random.below(REQUEST_HEADER)));
  }

  #announcePacket(
    socket: number,
    infohash: Buffer,
    peerId: string,
    place: number,
    seeder: boolean,
    numwant: number,
  ): Buffer {
    const packet = Buffer.alloc(ANNOUNCE_LENGTH);
    writeAnnounce(packet, 0, 0, infohash, 0, seeder ? 0 : 1000, place, numwant, portOf(place));
    packet.set(this.#clients.connectionId(socket), 0);
    packet.write(peerId, PEER_ID, 'latin1');
    return packet;
  }

  #header(socket: number, action: number): Buffer {
    const header = Buffer.alloc(INFOHASH);
    header.set(this.#clients.connectionId(socket), 0);
    return written(header, action, ACTION);
  }

  #socket(place: number): number {
    return this.#clients.socketOf(sourceOf(place));
  }
}

function readAnnounce(answer: Buffer | undefined, ipv6: boolean): AnnounceAnswer | Fault {
  if (!answer) return ['a UDP announce without an answer', ''];
  if (answer.readUInt32BE(0) !== Action.Announce || answer.length < ANNOUNCE_ANSWER_PEERS)
    return ['no answer to a UDP announce', answer.toString('latin1')];
  const peers = compactPlaces(answer.subarray(ANNOUNCE_ANSWER_PEERS), ipv6).map((place) => ({ place }));
  const [interval, incomplete, complete] = [8, 12, 16].map((at) => answer.readUInt32BE(at));
  return { interval, complete, incomplete, peers } as AnnounceAnswer;
}

function isFault(read: AnnounceAnswer | Fault): read is Fault {
  return Array.isArray(read);
}

/** Of an answer that tells of an error. */
function errorText(answer: Buffer | undefined): string {
  if (!answer) return 'no answer';
  const isError = answer.readUInt32BE(0) === Action.Error && answer.at(-1) === 0;
  return isError ? answer.toString('latin1', ANSWER_HEADER, answer.length - 1) : answer.toString('hex');
}

function written(packet: Buffer, value: number, at: number): Buffer {
  packet.writeUInt32BE(value, at);
  return packet;
}
