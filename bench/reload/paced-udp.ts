/**
 * UDP announces at a steady rate, whatever the tracker does, each of which has to be answered once. A program of its
 * own; it blocks while it waits. Prints one line of JSON.
 */

import { parseArgs } from 'node:util';
import {
  Action,
  ANNOUNCE_ANSWER_PEERS,
  ANSWER_HEADER,
  ANSWER_TRANSACTION_ID,
} from '../../src/frontend/udp/packet.ts';
import { BATCH } from '../../src/frontend/udp/socket/message-headers.ts';
import { SLOT } from '../../src/frontend/udp/socket/socket.ts';
import { readUint32, writeUint32 } from '../../src/pkg/bytes.ts';
import { loadClientLibc } from '../load/client-libc.ts';
import { ClientSockets } from '../load/client-sockets.ts';
import { Workload } from '../load/workload.ts';
import { peerIdAt, writeAnnounce, writeConnect } from '../support/announce-packet.ts';
import { print } from '../support/print.ts';
import { Tally } from './tally.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '6969' },
    rate: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '5' },
  },
});
const rate = Number(flags.rate);
const total = Math.round(rate * Number(flags.seconds));

const SOCKETS = 32;
/** An answer that comes later than this after the last request is lost (milliseconds). */
const PATIENCE = 3_000;
const CLIENT_ID = Buffer.from('-RL10D0-');
const INTERVAL = 8;

const sockets = new ClientSockets(await loadClientLibc(), '127.0.0.1', Number(flags.port), SOCKETS);
const connectionIds = new Uint8Array(8 * SOCKETS);
const workload = new Workload({ infohashes: 10_000, ports: 65535, scrapes: 0, seeders: 50 });
const tally = new Tally();
/** By transaction id: 1 when it has been answered. */
const answered = new Uint8Array(total);
let good = 0;

function connect(socket: number): void {
  sockets.setLength(0, writeConnect(sockets.output, 0, socket));
  sockets.send(socket, 1);
  for (const end = performance.now() + PATIENCE; performance.now() < end; sockets.wait(10)) {
    if (sockets.receive(socket) <= 0 || readUint32(sockets.input, 0) !== Action.Connect) continue;
    connectionIds.set(sockets.input.subarray(ANSWER_HEADER, ANSWER_HEADER + 8), 8 * socket);
    return;
  }
  throw new Error(`no tracker answers a connect at UDP port ${flags.port}`);
}

function writeRequest(socket: number, message: number, transactionId: number): void {
  const { output } = sockets;
  const at = message * SLOT;
  workload.next();
  const { names, infohash, port, left, key } = workload;
  output.set(connectionIds.subarray(8 * socket, 8 * socket + 8), at);
  const id = peerIdAt(at);
  output.set(CLIENT_ID, id);
  writeUint32(output, id + 8, port);
  writeUint32(output, id + 12, socket);
  writeUint32(output, id + 16, infohash);
  sockets.setLength(
    message,
    writeAnnounce(output, at, transactionId, names, 20 * infohash, left, key, 30, port),
  );
}

/** Sends what is due at `due` announces in all, a batch from each socket in turns. */
function send(due: number): void {
  while (tally.sent < due) {
    const socket = Math.floor(tally.sent / BATCH) % SOCKETS;
    const count = Math.min(BATCH - (tally.sent % BATCH), due - tally.sent);
    for (let i = 0; i < count; i++) writeRequest(socket, i, tally.sent + i);
    const sent = sockets.send(socket, count);
    if (sent <= 0) return;
    tally.sent += sent;
  }
}

function receive(): void {
  for (let socket = 0; socket < SOCKETS; socket++) {
    for (let count = sockets.receive(socket); count > 0; count = sockets.receive(socket)) {
      for (let message = 0; message < count; message++) readAnswer(message);
    }
  }
}

function readAnswer(message: number): void {
  const at = message * SLOT;
  const { input } = sockets;
  const length = sockets.lengthOf(message);
  if (readUint32(input, at) !== Action.Announce || length < ANNOUNCE_ANSWER_PEERS) {
    tally.fail(Buffer.from(input.subarray(at + ANSWER_HEADER, at + length - 1)).toString('latin1'));
    return;
  }
  const transactionId = readUint32(input, at + ANSWER_TRANSACTION_ID);
  if (answered[transactionId] === 1) {
    tally.twice++;
    return;
  }
  answered[transactionId] = 1;
  good++;
  tally.answered(readUint32(input, at + INTERVAL));
}

for (let socket = 0; socket < SOCKETS; socket++) connect(socket);
print('started');
const start = performance.now();
while (tally.sent < total) {
  send(Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate)));
  receive();
  sockets.wait(1);
}
for (const end = performance.now() + PATIENCE; good + tally.wrong < total && performance.now() < end; ) {
  receive();
  sockets.wait(10);
}
sockets.close();
tally.print();
