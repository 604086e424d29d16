/**
 * From a packet to its answer, by one set of options and one logic; a reload makes another handler.
 *
 *   batch ─▶ header ─▶ connection id ─▶ rate ─▶ parse ─▶ sanitise ─▶ logic.handle… ─▶ write ─▶ logic.after…
 *              │             │            │        └──────────┴───────────┴─▶ error
 *              └─ dropped    │            └─ dropped
 *                            └─ error, if that is no longer than the packet and its source not banned
 *
 * As long as the logic answers at once, a packet is answered where it stands: no object is made, and the
 * peers are copied from the store to the datagram. A request that has to wait takes its objects along.
 */

import { AddressFamily, addressLength } from '../../bittorrent/address-family.ts';
import { ClientError, INTERNAL_SERVER_ERROR } from '../../bittorrent/client-error.ts';
import { COMPACT_OFFSET, type Peer } from '../../bittorrent/peer.ts';
import { type RequestLimits, sanitizeAnnounce, sanitizeScrape } from '../../bittorrent/sanitize.ts';
import type { TrackerLogic } from '../../bittorrent/tracker-logic.ts';
import { readUint32 } from '../../pkg/bytes.ts';
import type { FailureLog } from '../../pkg/failure-log.ts';
import { isPromise, type MaybePromise } from '../../pkg/maybe-promise.ts';
import { requestLimits } from '../request-options.ts';
import type { SourceRate } from '../source-rate.ts';
import type { UdpOptions } from './config.ts';
import type { ConnectionIds } from './connection-id.ts';
import { badConnectionId, unknownAction } from './errors.ts';
import { Job } from './job.ts';
import { Drop, type UdpMetrics } from './metrics.ts';
import {
  ACTION,
  Action,
  ANNOUNCE_ANSWER_PEERS,
  ANSWER_HEADER,
  CONNECT_ANSWER_LENGTH,
  MAX_ANSWER_IPV4,
  MAX_ANSWER_IPV6,
  PROTOCOL_ID_HIGH,
  PROTOCOL_ID_LOW,
  REQUEST_HEADER,
  TRANSACTION_ID,
} from './packet.ts';
import { parseAnnounce, parseScrape } from './parser.ts';
import type { PacketBatch, Reply, UdpSocket } from './socket/socket.ts';
import type { SourceRates } from './source-rates.ts';
import { writeAnnounce, writeError, writeHeader, writeScrape } from './writer.ts';

/** Indices of the metric's label `action`, by action number. */
const ACTION_INDEX = Int32Array.of(0, 1, 2, -1, 1);

/** Requests that may wait for hooks or storage at one time; packets beyond are dropped, as a full socket would. */
const MAX_WAITING = 16384;

/** What outlives a handler. */
export interface PacketHandlerDependencies {
  readonly socket: UdpSocket;
  readonly metrics: UdpMetrics;
  readonly failures: FailureLog;
  readonly rates: SourceRates;
}

export class PacketHandler {
  readonly #logic: TrackerLogic;
  readonly #socket: UdpSocket;
  readonly #limits: RequestLimits;
  readonly #allowIpSpoofing: boolean;
  readonly #timing: boolean;
  readonly #ids: ConnectionIds;
  readonly #metrics: UdpMetrics;
  readonly #failures: FailureLog;
  readonly #rates: SourceRates;
  readonly #spare: Job[] = [];
  #job = new Job();
  /** When the batch came, in milliseconds since 1970. */
  #now = 0;
  #waiting = 0;
  #onIdle: (() => void) | undefined;

  constructor(
    options: UdpOptions,
    ids: ConnectionIds,
    logic: TrackerLogic,
    { socket, metrics, failures, rates }: PacketHandlerDependencies,
  ) {
    this.#logic = logic;
    this.#socket = socket;
    this.#limits = requestLimits(options);
    this.#allowIpSpoofing = options.allow_ip_spoofing;
    this.#timing = options.enable_request_timing;
    this.#ids = ids;
    this.#metrics = metrics;
    this.#failures = failures;
    this.#rates = rates;
  }

  /** Resolves when no request waits; to be asked when no more come. */
  async idle(): Promise<void> {
    if (this.#waiting > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  handleBatch(batch: PacketBatch): void {
    this.#now = Date.now();
    const now = Math.floor(this.#now / 1000);
    let received = 0;
    let sent = 0;
    for (let i = 0; i < batch.count; i++) {
      const length = this.#handlePacket(batch, i, now);
      batch.outputLengths[i] = length;
      received += batch.inputLengths[i] as number;
      sent += length;
    }
    this.#metrics.moved(received, sent);
  }

  /** Returns the length of the answer, 0 for none (yet). */
  #handlePacket(batch: PacketBatch, index: number, now: number): number {
    const { input, output } = batch;
    const start = batch.inputAt[index] as number;
    const length = batch.inputLengths[index] as number;
    const at = batch.outputAt[index] as number;
    if (length < REQUEST_HEADER) return this.#metrics.dropped(Drop.Malformed);

    const job = this.#job;
    const source = job.announce.peer;
    source.setAddress(batch.sources, batch.sourceAt[index] as number, batch.sourceLengths[index] as number);
    job.family = source.family;
    job.limit = source.family === AddressFamily.IPv4 ? MAX_ANSWER_IPV4 : MAX_ANSWER_IPV6;
    job.action = readUint32(input, start + ACTION);
    job.transactionId = readUint32(input, start + TRANSACTION_ID);
    job.started = this.#timing ? performance.now() : 0;

    if (job.action === Action.Connect) return this.#connect(input, start, source, now, output, at, job);
    if (!this.#ids.accepts(input, start, source, now)) {
      this.#metrics.rejected();
      if (!this.#take(this.#rates.badIds, source)) return this.#metrics.dropped(Drop.Banned);
      const answer = this.#fail(job, badConnectionId, output, at);
      return answer <= length ? answer : this.#metrics.dropped(Drop.ConnectionId);
    }
    if (this.#waiting >= MAX_WAITING) return this.#metrics.dropped(Drop.Busy);
    if (!this.#take(this.#rates.announces, source)) return this.#metrics.dropped(Drop.AnnounceRate);
    switch (job.action) {
      case Action.Announce:
      case Action.AnnounceV6:
        return this.#announce(batch, index, job);
      case Action.Scrape:
        return this.#scrape(batch, index, job);
      default:
        return this.#fail(job, unknownAction, output, at);
    }
  }

  #take(rate: SourceRate, source: Peer): boolean {
    return rate.take(source.bytes, COMPACT_OFFSET, addressLength(source.family), this.#now);
  }

  #connect(
    input: Uint8Array,
    start: number,
    source: Peer,
    now: number,
    output: Uint8Array,
    at: number,
    job: Job,
  ): number {
    // Anybody may write anything here: what is not a connect of BEP 15 is not worth an answer.
    if (readUint32(input, start) !== PROTOCOL_ID_HIGH || readUint32(input, start + 4) !== PROTOCOL_ID_LOW)
      return this.#metrics.dropped(Drop.NoConnect);
    if (!this.#take(this.#rates.connects, source)) return this.#metrics.dropped(Drop.ConnectRate);
    writeHeader(output, at, Action.Connect, job.transactionId);
    this.#ids.write(output, at + ANSWER_HEADER, source, now);
    this.#record(job, undefined);
    return CONNECT_ANSWER_LENGTH;
  }

  #announce(batch: PacketBatch, index: number, job: Job): number {
    const { input, output } = batch;
    const start = batch.inputAt[index] as number;
    const at = batch.outputAt[index] as number;
    const request = job.announce;
    const response = job.announceResponse;
    const ipLength = job.action === Action.Announce ? 4 : 16;
    const end = start + (batch.inputLengths[index] as number);
    const error =
      parseAnnounce(input, batch.inputWords, start, end, ipLength, this.#allowIpSpoofing, request) ??
      sanitizeAnnounce(request, this.#limits);
    if (error !== undefined) return this.#fail(job, error, output, at);

    job.context.reset();
    response.reset(request.peer.family);
    const peersAt = at + ANNOUNCE_ANSWER_PEERS;
    response.peers.target(output, batch.outputHalfwords, peersAt, job.limit - ANNOUNCE_ANSWER_PEERS);
    let pending: MaybePromise<void>;
    try {
      pending = this.#logic.handleAnnounce(job.context, request, response);
    } catch (failure) {
      return this.#fail(job, failure, output, at);
    }
    if (isPromise(pending)) return this.#wait(batch, index, job, pending);
    const length = writeAnnounce(output, at, job.action, job.transactionId, response);
    this.#record(job, undefined);
    this.#after(batch, index, job);
    return length;
  }

  #scrape(batch: PacketBatch, index: number, job: Job): number {
    const { input, output } = batch;
    const start = batch.inputAt[index] as number;
    const at = batch.outputAt[index] as number;
    const request = job.scrape;
    const error = parseScrape(input, start, start + (batch.inputLengths[index] as number), request);
    if (error !== undefined) return this.#fail(job, error, output, at);
    sanitizeScrape(request, this.#limits);
    request.family = job.family;

    job.context.reset();
    job.scrapeResponse.reset(request.infohashes.length);
    let pending: MaybePromise<void>;
    try {
      pending = this.#logic.handleScrape(job.context, request, job.scrapeResponse);
    } catch (failure) {
      return this.#fail(job, failure, output, at);
    }
    if (isPromise(pending)) return this.#wait(batch, index, job, pending);
    const length = writeScrape(output, at, job.transactionId, job.scrapeResponse, job.limit);
    this.#record(job, undefined);
    this.#after(batch, index, job);
    return length;
  }

  /** Tells the logic that the answer is written. */
  #after(batch: PacketBatch, index: number, job: Job): void {
    const logic = this.#logic;
    const pending =
      job.action === Action.Scrape
        ? logic.afterScrape(job.context, job.scrape, job.scrapeResponse)
        : logic.afterAnnounce(job.context, job.announce, job.announceResponse);
    if (!isPromise(pending)) return;
    this.#detach(batch, index, job);
    void pending.finally(() => this.#release(job));
  }

  /** Lets a request go on by itself, to be answered when `pending` settles. */
  #wait(batch: PacketBatch, index: number, job: Job, pending: Promise<void>): number {
    this.#detach(batch, index, job);
    const socketReply = this.#socket.reply(batch, index);
    const reply: Reply = (answer, length) => {
      this.#metrics.moved(0, length);
      socketReply(answer, length);
    };
    this.#answerLater(job, pending, reply)
      // A fault of ours, such as a socket that takes no answer, costs this request and nothing else.
      .catch((error) => this.#failures.log('UDP answer failed', { err: error }))
      .finally(() => this.#release(job));
    return 0;
  }

  async #answerLater(job: Job, pending: Promise<void>, reply: Reply): Promise<void> {
    const logic = this.#logic;
    const bytes = job.ownBytes;
    try {
      await pending;
    } catch (failure) {
      reply(bytes, this.#fail(job, failure, bytes, 0));
      return;
    }
    if (job.action === Action.Scrape) {
      reply(bytes, writeScrape(bytes, 0, job.transactionId, job.scrapeResponse, job.limit));
      this.#record(job, undefined);
      await logic.afterScrape(job.context, job.scrape, job.scrapeResponse);
    } else {
      reply(bytes, writeAnnounce(bytes, 0, job.action, job.transactionId, job.announceResponse));
      this.#record(job, undefined);
      await logic.afterAnnounce(job.context, job.announce, job.announceResponse);
    }
  }

  /** Takes the current job out of use, with all it needs of its batch, and puts a spare one in its place. */
  #detach(batch: PacketBatch, index: number, job: Job): void {
    job.detach(batch.output, batch.outputAt[index] as number, ANNOUNCE_ANSWER_PEERS);
    this.#waiting++;
    this.#job = this.#spare.pop() ?? new Job();
  }

  #release(job: Job): void {
    this.#spare.push(job);
    this.#waiting--;
    if (this.#waiting === 0) this.#onIdle?.();
  }

  /** Writes what the client may know of a failure. */
  #fail(job: Job, failure: unknown, output: Uint8Array, at: number): number {
    this.#record(job, failure);
    if (failure instanceof ClientError)
      return writeError(output, at, job.transactionId, failure.message, job.limit);
    const what = job.action === Action.Scrape ? 'UDP scrape' : 'UDP announce';
    this.#failures.log(`${what} failed`, { err: failure });
    return writeError(output, at, job.transactionId, INTERNAL_SERVER_ERROR, job.limit);
  }

  #record(job: Job, error: unknown): void {
    const action = job.action < ACTION_INDEX.length ? (ACTION_INDEX[job.action] as number) : -1;
    if (action < 0) return;
    this.#metrics.responses.record(
      action,
      job.family,
      error,
      this.#timing ? performance.now() - job.started : 0,
    );
  }
}
