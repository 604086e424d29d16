/** The mixed load on a running tracker, at a steady pace: what a timer that was late has missed is not made up for. */

import type { TrackerProcess } from '../../test/support/tracker-process.ts';
import { HttpClients } from './http-clients.ts';
import { HttpRequests } from './http-requests.ts';
import type { Judge } from './judge.ts';
import type { Population } from './population.ts';
import { RoughClients } from './rough-clients.ts';
import type { Swarm } from './swarm.ts';
import { UdpClients } from './udp-clients.ts';
import { UdpRequests } from './udp-requests.ts';

export interface Rates {
  /** Requests a second. */
  readonly udp: number;
  readonly http: number;
}

const TICK = 5;
/** No more than so many milliseconds are sent at once. */
const MOST_AT_ONCE = 50;

/** Answers that fit into the buffers of the load's sockets, and requests into those of the tracker, whatever the system allows. */
const MOST_UDP = 256;
/** Seconds that HTTP requests may pile up. */
const MOST_HTTP = 5;

/** One HTTP connection in so many is a rough one. */
const ROUGH = 50;

/** Swarms in a scrape. */
const SCRAPED = 50;
const POLL = 20;

export class Load {
  readonly #udpClients: UdpClients;
  readonly #httpClients: HttpClients;
  readonly #udp: UdpRequests;
  readonly #http: HttpRequests;
  readonly #rough: RoughClients;
  readonly #population: Population;
  readonly #rates: Rates;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #udpDue = 0;
  #httpDue = 0;
  #connections = 0;

  static async open(
    tracker: TrackerProcess,
    ipv6: boolean,
    population: Population,
    judge: Judge,
    rates: Rates,
  ): Promise<Load> {
    const port = (protocol: string) => Number(tracker.address(protocol).port);
    const udp = await UdpClients.open(port('udp'), ipv6, judge.complaints);
    return new Load(udp, { http: port('http'), https: port('https') }, population, judge, rates);
  }

  private constructor(
    udp: UdpClients,
    ports: { readonly http: number; readonly https: number },
    population: Population,
    judge: Judge,
    rates: Rates,
  ) {
    this.#udpClients = udp;
    this.#httpClients = new HttpClients(ports);
    this.#udp = new UdpRequests(udp, population, judge);
    this.#http = new HttpRequests(this.#httpClients, population, judge);
    this.#rough = new RoughClients(ports, judge);
    this.#population = population;
    this.#rates = rates;
  }

  begin(): void {
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  /** Scrapes every swarm there is, while nothing else is asked. Resolves when all is answered. */
  async scrapeAll(): Promise<void> {
    for (const ipv6 of [false, true]) {
      const swarms: readonly Swarm[] = this.#population.swarms.filter((swarm) => swarm.ipv6 === ipv6);
      for (let at = 0; at < swarms.length; at += SCRAPED) {
        this.#udp.scrape(swarms.slice(at, at + SCRAPED));
        await this.#idle();
      }
    }
  }

  /** Asks no more, and then scrapes every swarm. Resolves when everything is answered and every connection is closed. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#idle();
    await this.scrapeAll();
    this.#udpClients.close();
    this.#httpClients.close();
  }

  async #idle(): Promise<void> {
    while (this.#udpClients.underWay + this.#http.underWay + this.#rough.underWay > 0)
      await new Promise((resolve) => setTimeout(resolve, POLL));
  }

  #tick(): void {
    const now = performance.now();
    const passed = Math.min(MOST_AT_ONCE, now - this.#last) / 1000;
    this.#last = now;
    this.#udpDue += passed * this.#rates.udp;
    this.#httpDue += passed * this.#rates.http;
    for (; this.#udpDue >= 1; this.#udpDue--) {
      if (this.#udpClients.underWay < MOST_UDP) this.#udp.send();
    }
    for (; this.#httpDue >= 1; this.#httpDue--) {
      if (this.#http.underWay > MOST_HTTP * this.#rates.http) continue;
      if (++this.#connections % ROUGH === 0) this.#rough.send();
      else this.#http.send();
    }
  }
}
