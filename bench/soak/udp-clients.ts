/**
 * UDP sockets of several addresses that ask a tracker, each with a connection id that it renews. A request is sent once: on
 * the loopback nothing is lost but by a fault, as there are never more under way than a socket's buffer can hold.
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  Action,
  ANSWER_HEADER,
  ANSWER_TRANSACTION_ID,
  TRANSACTION_ID,
} from '../../src/frontend/udp/packet.ts';
import { CONNECT_LENGTH, writeConnect } from '../support/announce-packet.ts';
import type { Complaints } from './complaints.ts';
import { everyTurn, TURNS } from './patience.ts';
import { addressOf, IPV4_SOURCES, IPV6_ADDRESS, placeOf } from './places.ts';

/** Over IPv6 they differ by their ports alone. */
const IPV6_SOCKETS = 8;

/** Ids are good for two minutes, those of a key before the last one for less. */
const RENEWED = 15_000;

/** Called with the answer, or with nothing if there is none. */
type Take = (answer: Buffer | undefined) => void;

interface Asked {
  /** The turn in which it was sent. */
  readonly turn: number;
  readonly take: Take;
}

export class UdpClients {
  readonly #sockets: readonly Socket[];
  readonly #ids: Buffer[];
  readonly #complaints: Complaints;
  /** By transaction id, the oldest first. */
  readonly #asked = new Map<number, Asked>();
  readonly #timers: readonly NodeJS.Timeout[];
  #transaction = 0;
  #turn = 0;

  static async open(port: number, ipv6: boolean, complaints: Complaints): Promise<UdpClients> {
    const sources = Array.from({ length: IPV4_SOURCES }, (_, i) => addressOf(placeOf(i, 0)));
    if (ipv6) sources.push(...new Array<string>(IPV6_SOCKETS).fill(IPV6_ADDRESS));
    const sockets = await Promise.all(sources.map((source) => open(source, port)));
    const clients = new UdpClients(sockets, complaints);
    await clients.#renew();
    return clients;
  }

  private constructor(sockets: readonly Socket[], complaints: Complaints) {
    this.#sockets = sockets;
    this.#ids = sockets.map(() => Buffer.alloc(8));
    this.#complaints = complaints;
    for (const socket of sockets) {
      socket.on('message', (answer: Buffer) => this.#take(answer));
      socket.on('error', (error) => complaints.add('a UDP socket failed', error.message));
    }
    this.#timers = [setInterval(() => void this.#renew(), RENEWED), everyTurn(() => this.#look())];
  }

  /** Requests without an answer so far. */
  get underWay(): number {
    return this.#asked.size;
  }

  /** The socket of an IPv4 source, or one of those of IPv6. */
  socketOf(source: number): number {
    return source < IPV4_SOURCES ? source : IPV4_SOURCES + (this.#transaction % IPV6_SOCKETS);
  }

  connectionId(socket: number): Buffer {
    return this.#ids[socket] as Buffer;
  }

  /** Sends a request, in which the transaction id is written, and `take`s its answer. */
  ask(socket: number, packet: Buffer, take: Take): void {
    const transaction = ++this.#transaction >>> 0;
    packet.writeUInt32BE(transaction, TRANSACTION_ID);
    this.#asked.set(transaction, { turn: this.#turn, take });
    this.send(socket, packet);
  }

  /** Sends what is not to be answered. */
  send(socket: number, packet: Buffer): void {
    (this.#sockets[socket] as Socket).send(packet, (error) => {
      if (error) this.#complaints.add('a UDP packet could not be sent', error.message);
    });
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.close();
  }

  /** Resolves when every socket has been given another connection id. */
  async #renew(): Promise<void> {
    await Promise.all(this.#sockets.map((_, socket) => this.#connect(socket)));
  }

  #connect(socket: number): Promise<void> {
    const packet = Buffer.alloc(CONNECT_LENGTH);
    writeConnect(packet, 0, 0);
    return new Promise((resolve) =>
      this.ask(socket, packet, (answer) => {
        const good = answer?.length === CONNECT_LENGTH && answer.readUInt32BE(0) === Action.Connect;
        if (good) this.#ids[socket] = Buffer.from(answer.subarray(ANSWER_HEADER));
        else this.#complaints.add('a UDP connect failed', answer?.toString('hex') ?? 'no answer');
        resolve();
      }),
    );
  }

  #take(answer: Buffer): void {
    const transaction = answer.length < ANSWER_HEADER ? -1 : answer.readUInt32BE(ANSWER_TRANSACTION_ID);
    const asked = this.#asked.get(transaction);
    this.#asked.delete(transaction);
    if (asked) asked.take(answer);
    else this.#complaints.add('a UDP answer that nobody waits for', answer.toString('hex', 0, 32));
  }

  #look(): void {
    this.#turn++;
    for (const [transaction, { turn, take }] of this.#asked) {
      if (this.#turn - turn <= TURNS) return;
      this.#asked.delete(transaction);
      take(undefined);
    }
  }
}

async function open(source: string, port: number): Promise<Socket> {
  const ipv6 = source === IPV6_ADDRESS;
  const socket = createSocket(ipv6 ? 'udp6' : 'udp4');
  socket.bind(0, source);
  await once(socket, 'listening');
  socket.connect(port, ipv6 ? IPV6_ADDRESS : '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
