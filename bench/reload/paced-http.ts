/**
 * HTTP announces at a steady rate, each on a connection of its own, a part of them over TLS, whatever the tracker
 * does: each has to be answered. A program of its own. Prints one line of JSON.
 */

import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';
import { AnswerReader } from '../load/answer-reader.ts';
import { Workload } from '../load/workload.ts';
import { httpAnnounce } from '../support/http-announce.ts';
import { print } from '../support/print.ts';
import { Tally } from './tally.ts';

const { values: flags } = parseArgs({
  options: {
    http: { type: 'string', default: '6969' },
    https: { type: 'string', default: '443' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '5' },
  },
});
const rate = Number(flags.rate);
const total = Math.round(rate * Number(flags.seconds));

/** One connection in so many is TLS. */
const TLS_SHARE = 5;
/** A connection that has no answer after this has none (milliseconds). */
const PATIENCE = 3_000;

const workload = new Workload({ infohashes: 10_000, ports: 65535, scrapes: 0, seeders: 50 });
const tally = new Tally();

function announce(): Promise<void> {
  workload.next();
  const { names, infohash, port, left } = workload;
  const secure = tally.sent++ % TLS_SHARE === 0;
  const peerId = Buffer.from(`-RL10D0-${String(port).padStart(5, '0')}${String(infohash).padStart(7, '0')}`);
  const name = names.subarray(20 * infohash, 20 * infohash + 20);
  const request = httpAnnounce(name, peerId, port, left, 30, false);
  const reader = new AnswerReader();
  let text = '';
  return new Promise((resolve) => {
    let over = false;
    const end = (failure?: string): void => {
      if (over) return;
      over = true;
      if (failure !== undefined) tally.fail(failure);
      socket.destroy();
      resolve();
    };
    const socket = open(secure, () => {
      if (secure) tally.certificates.add((socket as TLSSocket).getPeerCertificate().fingerprint256);
      socket.write(request);
    });
    socket.setTimeout(PATIENCE, () => end('no answer'));
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed without an answer'));
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (!reader.read(bytes)) return;
      const interval = /8:intervali(\d+)e/.exec(text)?.[1];
      if (reader.failure || interval === undefined) end(reader.failure || text);
      else {
        tally.answered(Number(interval));
        end();
      }
    });
  });
}

function open(secure: boolean, onConnect: () => void): Socket {
  const host = '127.0.0.1';
  // The certificates sign themselves, and change.
  if (secure) return connectTls({ port: Number(flags.https), host, rejectUnauthorized: false }, onConnect);
  return connect({ port: Number(flags.http), host, noDelay: true }, onConnect);
}

print('started');
const start = performance.now();
const announces: Promise<void>[] = [];
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate));
    while (tally.sent < due) announces.push(announce());
    if (due < total) return;
    clearInterval(timer);
    resolve();
  }, 2);
});
await Promise.all(announces);
tally.print();
