/** Clients that behave badly: they hang, break off, send too much or what is no HTTP. The tracker has to close every such connection. */

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Random } from '../../src/pkg/random.ts';
import type { Judge } from './judge.ts';
import { beginPatience } from './patience.ts';

const SCRAPE = `GET /scrape?info_hash=${'r'.repeat(20)} HTTP/1.1\r\nHost: soak\r\n\r\n`;
const HALF = SCRAPE.slice(0, 40);

interface Behaviour {
  readonly what: string;
  readonly sends: string;
  /** What the tracker answers before it closes. */
  readonly expects: RegExp;
  /** Whether the client resets the connection instead of waiting for its end. */
  readonly resets?: boolean;
}

const BEHAVIOURS: readonly Behaviour[] = [
  { what: 'says nothing', sends: '', expects: /^$/ },
  { what: 'stops in a request', sends: HALF, expects: /^$/ },
  { what: 'resets in a request', sends: HALF, expects: /^$/, resets: true },
  { what: 'resets before its answer', sends: SCRAPE, expects: /^/, resets: true },
  { what: 'speaks no HTTP', sends: 'EHLO soak\r\n\r\n', expects: /^HTTP\/1\.1 400 / },
  { what: 'sends too much', sends: `GET /${'x'.repeat(20_000)}`, expects: /^HTTP\/1\.1 431 / },
];

export class RoughClients {
  readonly #ports: { readonly http: number; readonly https: number };
  readonly #judge: Judge;
  readonly #random = new Random();
  underWay = 0;

  constructor(ports: { readonly http: number; readonly https: number }, judge: Judge) {
    this.#ports = ports;
    this.#judge = judge;
  }

  /** Has one of them connect. */
  send(): void {
    const secure = this.#random.below(2) === 1;
    const { what, sends, expects, resets } = BEHAVIOURS[this.#random.below(BEHAVIOURS.length)] as Behaviour;
    const tally = this.#judge.asked('rough connection');
    let answer = '';
    let faulty: string | undefined;
    this.underWay++;
    const socket = this.#connect(secure, resets === true, () => {
      socket.write(sends, () => {
        if (resets) socket.resetAndDestroy();
      });
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    const over = beginPatience(() => {
      faulty = 'was not closed';
      socket.destroy();
    });
    // A reset is an end, too.
    socket.on('error', () => {});
    socket.on('close', () => {
      over();
      this.underWay--;
      if (!faulty && !expects.test(answer)) faulty = `answer ${answer.slice(0, 50)}`;
      this.#judge.ended(tally, faulty ? [`a connection that ${what}`, faulty] : undefined);
    });
  }

  /** @param raw for a reset, which Node gives TCP alone: over TLS, in the midst of the handshake */
  #connect(secure: boolean, raw: boolean, onConnect: () => void): Socket {
    const to = { host: '127.0.0.1', port: secure ? this.#ports.https : this.#ports.http };
    if (secure && !raw) return connectTls({ ...to, rejectUnauthorized: false }, onConnect);
    return connect(to, onConnect);
  }
}
