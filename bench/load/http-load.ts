/**
 * A load of HTTP announces for a tracker on the loopback: each of `connections` has one request outstanding,
 * on a connection that is kept, or with `--close` on a new connection for each. A program of its own, so that
 * it has a core of its own. Prints one line of JSON.
 */

import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { httpAnnounce } from '../support/http-announce.ts';
import { AnswerReader } from './answer-reader.ts';
import { Latencies } from './latencies.ts';
import { newCounts, printReport } from './report.ts';
import { Workload } from './workload.ts';

const text = (value: number) => ({ type: 'string', default: String(value) }) as const;
const { values: flags } = parseArgs({
  options: {
    port: text(6969),
    seconds: text(5),
    connections: text(64),
    numwant: text(30),
    infohashes: text(10_000),
    close: { type: 'boolean', default: false },
  },
});

/** Requests are made before the clock runs, so that the generator's own work is small; then they are sent in turns. */
const PREPARED = 50_000;

const workload = new Workload({
  infohashes: Number(flags.infohashes),
  ports: 65535,
  scrapes: 0,
  seeders: 50,
});
const requests = Array.from({ length: PREPARED }, () => {
  workload.next();
  const { names, infohash, port, left } = workload;
  const peerId = Buffer.from(`-LT20D0-${String(port).padStart(5, '0')}${String(infohash).padStart(7, '0')}`);
  const name = names.subarray(20 * infohash, 20 * infohash + 20);
  return httpAnnounce(name, peerId, port, left, Number(flags.numwant), !flags.close);
});

const counts = newCounts();
const latencies = new Latencies();
const start = performance.now();
const end = start + 1000 * Number(flags.seconds);

function fail(text: string): void {
  counts.errors++;
  counts.error ||= text;
}

function run(): Promise<void> {
  const reader = new AnswerReader();
  return new Promise((resolve) => {
    let socket: Socket;
    let sentAt = 0;
    let waiting = false;

    const request = (): void => {
      sentAt = performance.now();
      waiting = true;
      socket.write(requests[counts.sent++ % PREPARED] as Buffer);
    };
    const open = (): void => {
      reader.reset();
      socket = connect({ port: Number(flags.port), host: '127.0.0.1', noDelay: true }, request);
      socket.on('data', take);
      socket.on('error', (error) => fail(error.message));
      socket.on('close', closed);
    };
    const take = (bytes: Buffer): void => {
      counts.bytes += bytes.length;
      if (reader.read(bytes)) answered();
    };
    const answered = (): void => {
      waiting = false;
      latencies.record(performance.now() - sentAt);
      if (reader.failure) {
        fail(reader.failure);
      } else {
        counts.received++;
        counts.peers += reader.peers;
      }
      if (performance.now() >= end) socket.destroy();
      else if (!flags.close) {
        reader.reset();
        request();
      }
    };
    const closed = (): void => {
      if (waiting) counts.lost++;
      waiting = false;
      if (performance.now() >= end) resolve();
      else if (flags.close) open();
      else {
        fail('the tracker closed a connection that it was asked to keep');
        resolve();
      }
    };
    open();
  });
}

await Promise.all(Array.from({ length: Number(flags.connections) }, run));
counts.elapsed = (performance.now() - start) / 1000;
printReport(counts, latencies);
