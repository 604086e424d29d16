/**
 * A load of UDP announces (BEP 15) for a tracker on the loopback: each of `sockets` source addresses keeps
 * `window` requests outstanding, or, with a rate, sends so many a second. A program of its own, so that it has a
 * core of its own; it blocks while it waits. Prints one line of JSON.
 */

import { isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import {
  Action,
  ANNOUNCE_ANSWER_PEERS,
  ANSWER_HEADER,
  ANSWER_TRANSACTION_ID,
  OPTION_URL_DATA,
} from '../../src/frontend/udp/packet.ts';
import { BATCH } from '../../src/frontend/udp/socket/message-headers.ts';
import { SLOT } from '../../src/frontend/udp/socket/socket.ts';
import { readUint32, writeUint32 } from '../../src/pkg/bytes.ts';
import { peerIdAt, writeAnnounce, writeConnect, writeScrape } from '../support/announce-packet.ts';
import { loadClientLibc } from './client-libc.ts';
import { ClientSockets } from './client-sockets.ts';
import { Latencies } from './latencies.ts';
import { newCounts, printReport } from './report.ts';
import { passkeyName, Workload } from './workload.ts';

const text = (value: number) => ({ type: 'string', default: String(value) }) as const;
const { values: flags } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: text(6969),
    seconds: text(5),
    sockets: text(32),
    window: text(64),
    numwant: text(30),
    infohashes: text(10_000),
    ports: text(65535),
    scrapes: text(0),
    seeders: text(50),
    passkeys: text(0),
    rate: text(0),
  },
});
const numwant = Number(flags.numwant);
const window = Number(flags.window);
const passkeys = Number(flags.passkeys);
/** Requests a second; 0 for as many as are answered. */
const rate = Number(flags.rate);
const peerBytes = isIPv6(flags.host) ? 18 : 6;

/** Answers that are waited for longer are given up, all of them. */
const PATIENCE = 250;
const CONNECT_ATTEMPTS = 20;
const CONNECT_TIMEOUT = 200;

/** When a request was sent, by the lowest bits of its transaction id. */
const sentAt = new Float64Array(1 << 20);
const CLIENT_ID = Buffer.from('-LT20D0-');

const sockets = new ClientSockets(
  await loadClientLibc(),
  flags.host,
  Number(flags.port),
  Number(flags.sockets),
);
const connectionIds = new Uint8Array(8 * sockets.count);
const outstanding = new Int32Array(sockets.count);
const workload = new Workload({
  infohashes: Number(flags.infohashes),
  ports: Number(flags.ports),
  scrapes: Number(flags.scrapes),
  seeders: Number(flags.seeders),
});
/** By passkey the options of BEP 41 that say it; without passkeys announces have none. */
const options = Array.from({ length: passkeys }, (_, i) => {
  const url = `/${passkeyName(i, passkeys)}/announce`;
  return Buffer.concat([Buffer.of(OPTION_URL_DATA, url.length), Buffer.from(url)]);
});
const counts = newCounts();
const latencies = new Latencies();
let transactionId = 1000;
let lastAnswer = 0;

function connect(socket: number): void {
  for (let attempt = 0; attempt < CONNECT_ATTEMPTS; attempt++) {
    sockets.setLength(0, writeConnect(sockets.output, 0, socket));
    sockets.send(socket, 1);
    const end = performance.now() + CONNECT_TIMEOUT;
    while (performance.now() < end) {
      if (sockets.receive(socket) > 0 && readUint32(sockets.input, 0) === Action.Connect) {
        connectionIds.set(sockets.input.subarray(ANSWER_HEADER, ANSWER_HEADER + 8), 8 * socket);
        return;
      }
      sockets.wait(CONNECT_TIMEOUT);
    }
  }
  throw new Error(`no tracker answers a connect at UDP port ${flags.port}`);
}

/** Writes a request into message `message` of the output. */
function writeRequest(socket: number, message: number, now: number): void {
  const { output } = sockets;
  const at = message * SLOT;
  workload.next();
  for (let i = 0; i < 8; i++) output[at + i] = connectionIds[8 * socket + i] as number;
  sentAt[transactionId & (sentAt.length - 1)] = now;
  const { names, infohash, port } = workload;
  let length: number;
  if (workload.scrape) {
    length = writeScrape(output, at, transactionId, names, 20 * infohash);
  } else {
    const id = peerIdAt(at);
    for (let i = 0; i < 8; i++) output[id + i] = CLIENT_ID[i] as number;
    writeUint32(output, id + 8, port);
    writeUint32(output, id + 12, socket);
    writeUint32(output, id + 16, infohash);
    const { left, key } = workload;
    length = writeAnnounce(output, at, transactionId, names, 20 * infohash, left, key, numwant, port);
    if (passkeys > 0) length += writeOptions(at + length, options[port % passkeys] as Uint8Array);
  }
  sockets.setLength(message, length);
  transactionId = (transactionId + 1) >>> 0;
}

function writeOptions(at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) sockets.output[at + i] = bytes[i] as number;
  return bytes.length;
}

/** How many requests may be sent at a time: at a rate, those that are due. */
function due(socket: number, now: number): number {
  const open = Math.min(BATCH, window - (outstanding[socket] as number));
  return rate === 0 ? open : Math.min(open, Math.floor(((now - start) * rate) / 1000) - counts.sent);
}

/** Sends until the window is full. */
function send(socket: number, now: number): void {
  for (;;) {
    const count = due(socket, now);
    if (count <= 0) return;
    for (let i = 0; i < count; i++) writeRequest(socket, i, now);
    const sent = sockets.send(socket, count);
    if (sent <= 0) return;
    counts.sent += sent;
    outstanding[socket] = (outstanding[socket] as number) + sent;
    if (sent < count) return;
  }
}

/** Receives everything there is. Returns whether there was anything. */
function receive(socket: number): boolean {
  for (let any = false; ; any = true) {
    const count = sockets.receive(socket);
    if (count <= 0) return any;
    lastAnswer = performance.now();
    for (let i = 0; i < count; i++) readAnswer(i, lastAnswer);
    outstanding[socket] = (outstanding[socket] as number) - count;
    if (count < BATCH) return true;
  }
}

function readAnswer(message: number, now: number): void {
  const { input } = sockets;
  const at = message * SLOT;
  const length = sockets.lengthOf(message);
  counts.bytes += length;
  if (length < ANSWER_HEADER) return;
  const action = readUint32(input, at);
  if (action === Action.Error) {
    counts.errors++;
    counts.error ||= Buffer.from(input.subarray(at + ANSWER_HEADER, at + length - 1)).toString('latin1');
  } else {
    counts.received++;
    if (action === Action.Announce && length >= ANNOUNCE_ANSWER_PEERS)
      counts.peers += (length - ANNOUNCE_ANSWER_PEERS) / peerBytes;
  }
  const id = readUint32(input, at + ANSWER_TRANSACTION_ID);
  latencies.record(now - (sentAt[id & (sentAt.length - 1)] as number));
}

for (let socket = 0; socket < sockets.count; socket++) connect(socket);

const start = performance.now();
const end = start + 1000 * Number(flags.seconds);
lastAnswer = start;
for (let now = start; now < end; now = performance.now()) {
  let any = false;
  for (let socket = 0; socket < sockets.count; socket++) {
    send(socket, now);
    if (receive(socket)) any = true;
  }
  if (any) continue;
  sockets.wait(rate === 0 ? 5 : 0);
  if (performance.now() - lastAnswer < PATIENCE) continue;
  for (const count of outstanding) counts.lost += count;
  outstanding.fill(0);
  lastAnswer = performance.now();
}
counts.elapsed = (performance.now() - start) / 1000;
// What is still under way may come; what does not come now is lost.
for (
  lastAnswer = performance.now();
  performance.now() - lastAnswer < PATIENCE && outstanding.some((n) => n > 0);
) {
  for (let socket = 0; socket < sockets.count; socket++) receive(socket);
  sockets.wait(5);
}
for (const count of outstanding) counts.lost += count;
sockets.close();
printReport(counts, latencies);
