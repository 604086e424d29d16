/**
 * Publishes every announce, once it has been answered, as a line of JSON: to a file, or to whatever reads the
 * tracker's standard output. The configuration that goes with it:
 *
 *     npm start --silent -- --config examples/announce-log.yaml | jq .infohash
 *
 * No announce waits for it. While a piece is being written, lines gather in memory, up to a bound; what comes on
 * top of that is counted and left out. A disk that is full or a reader that stands still costs lines, nothing else.
 */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { AnnounceEvent, defineHook, z } from 'chihaya';

/** Bytes that a pipe takes whole or not at all, so that the lines of several workers never mix. */
const PIECE = 4096;

/** Bytes that wait at most, in each worker. */
const MOST_WAITING = 1 << 20;

/** Milliseconds: between two tries to write, between two complaints, and what a stop waits for a reader. */
const RETRY = 50;
const QUIET = 10_000;
const PATIENCE = 2_000;

/** Not to block: a thread that waits for a pipe's reader cannot be ended. Files do not care. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

const EVENTS = new Map(Object.entries(AnnounceEvent).map(([name, event]) => [event, name.toLowerCase()]));

export default defineHook({
  name: 'announce log',
  options: z.strictObject({ path: z.string().min(1) }),
  async create({ path }, { logger, metrics }) {
    const lines = new LineWriter(await open(path, FLAGS, 0o640), logger);
    metrics.register({
      name: 'announce_log_dropped_total',
      help: 'Announces that were left out of the announce log',
      type: 'counter',
      collect: () => [{ labels: {}, value: lines.dropped }],
    });
    return {
      /** The request is used again for the next client: all that is kept of it is text. */
      handleAnnounce(_context, { infohash, peer, event, left, downloaded, uploaded }) {
        const announce = {
          time: Date.now(),
          infohash: infohash.hex,
          peer_id: Buffer.from(peer.id).toString('hex'),
          address: peer.address,
          port: peer.port,
          event: EVENTS.get(event),
          // JSON's numbers are exact up to 2^53 only.
          left: String(left),
          downloaded: String(downloaded),
          uploaded: String(uploaded),
        };
        lines.write(`${JSON.stringify(announce)}\n`);
      },
      handleScrape() {},
      stop: () => lines.stop(),
    };
  },
});

class LineWriter {
  /** Lines that were left out. */
  dropped = 0;
  #file;
  #logger;
  /** The first is being written, the last grows. */
  #pieces = [];
  #waiting = 0;
  #writing = Promise.resolve();
  #giveUpAt = Number.POSITIVE_INFINITY;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(file, logger) {
    this.#file = file;
    this.#logger = logger;
  }

  /** @param line of ASCII: a byte for each character */
  write(line) {
    if (this.#waiting + line.length > MOST_WAITING) {
      this.#drop(1, 'they come faster than they can be written');
      return;
    }
    this.#waiting += line.length;
    const last = this.#pieces.length - 1;
    if (last > 0 && this.#pieces[last].length + line.length <= PIECE) this.#pieces[last] += line;
    else this.#pieces.push(line);
    if (last < 0) this.#writing = this.#writeAll();
  }

  async stop() {
    this.#giveUpAt = performance.now() + PATIENCE;
    await this.#writing;
    await this.#file.close();
  }

  async #writeAll() {
    while (this.#pieces.length > 0) {
      const bytes = Buffer.from(this.#pieces[0], 'latin1');
      try {
        for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
      } catch (error) {
        if (error.code === 'EAGAIN' && performance.now() < this.#giveUpAt) {
          await wait(RETRY);
          continue;
        }
        this.#drop(this.#pieces[0].split('\n').length - 1, error.message);
      }
      this.#waiting -= bytes.length;
      this.#pieces.shift();
    }
  }

  #drop(lines, reason) {
    this.dropped += lines;
    if (performance.now() - this.#complainedAt < QUIET) return;
    this.#complainedAt = performance.now();
    this.#logger.warn({ dropped: this.dropped, reason }, 'announces are left out of the log');
  }
}
