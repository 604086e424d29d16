/**
 * A tracker behind a FeedSocket, and announces of the peers that it knows, ready to be fed to it: frontend,
 * hooks and store as they run, from a packet's bytes to its answer's.
 */

import { Infohash } from '../../src/bittorrent/infohash.ts';
import { udpOptions } from '../../src/frontend/udp/config.ts';
import { ConnectionIds } from '../../src/frontend/udp/connection-id.ts';
import { UdpMetrics } from '../../src/frontend/udp/metrics.ts';
import { ANNOUNCE_ANSWER_PEERS, ANSWER_HEADER } from '../../src/frontend/udp/packet.ts';
import { PacketHandler } from '../../src/frontend/udp/packet-handler.ts';
import { type PacketBatch, SLOT } from '../../src/frontend/udp/socket/socket.ts';
import { NO_LIMITS } from '../../src/frontend/udp/source-rates.ts';
import type { NamedHook } from '../../src/middleware/hook-chain.ts';
import { Logic } from '../../src/middleware/logic.ts';
import { FailureLog } from '../../src/pkg/failure-log.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { Random } from '../../src/pkg/random.ts';
import { peerIdAt, writeAnnounce, writeConnect } from './announce-packet.ts';
import { FeedSocket } from './feed-socket.ts';
import { fillSwarm, portOf, setInfohash, writeIpv4, writePeerId } from './numbered.ts';
import { createStore } from './store.ts';

/** Packets in a batch, as in one of the real socket. */
export const BATCH = 64;

/** Bytes kept for a request: an announce has 98. */
const REQUEST = 128;

export class FedTracker {
  readonly #socket = new FeedSocket();
  readonly #batches: PacketBatch[];
  #next = 0;

  /**
   * @param swarms how many there are, of `size` peers each, half of them seeders
   * @param numwant peers that each announce asks for
   * @param batches how many different ones there are; their announcers are drawn from all peers
   */
  constructor(
    swarms: number,
    size: number,
    numwant: number,
    batches: number,
    preHooks: readonly NamedHook[] = [],
  ) {
    const store = createStore();
    const infohash = new Infohash();
    for (let swarm = 0; swarm < swarms; swarm++) {
      setInfohash(infohash, swarm);
      fillSwarm(store, infohash, swarm * size, (swarm + 1) * size);
    }
    const logic = new Logic({
      store,
      preHooks,
      postHooks: [],
      announceInterval: 1_800_000,
      minAnnounceInterval: 900_000,
      logger: silentLogger,
    });
    const options = udpOptions.parse({ max_numwant: 100 });
    const handler = new PacketHandler(options, new ConnectionIds('a secret', options.max_clock_skew), logic, {
      socket: this.#socket,
      metrics: new UdpMetrics(),
      failures: new FailureLog(silentLogger),
      rates: NO_LIMITS,
    });
    this.#socket.serve((batch) => handler.handleBatch(batch));

    const output = new Uint8Array(SLOT * BATCH);
    const random = new Random(Int32Array.of(1, 2, 3, 4));
    this.#batches = Array.from({ length: batches }, () => {
      const batch = emptyBatch(output);
      const announcers = Array.from({ length: BATCH }, () => random.below(swarms * size));
      this.#connect(batch, announcers);
      for (const [i, number] of announcers.entries()) {
        const at = batch.inputAt[i] as number;
        writePeerId(batch.input, peerIdAt(at), number);
        const left = number % 2 === 0 ? 0 : 1000;
        const port = portOf(number);
        setInfohash(infohash, Math.floor(number / size));
        batch.inputLengths[i] = writeAnnounce(batch.input, at, i, infohash.bytes, 0, left, 0, numwant, port);
      }
      return batch;
    });
  }

  /** Has `batches` batches of 64 announces answered, and returns the bytes of the answers. */
  run(batches: number): number {
    let bytes = 0;
    for (let n = 0; n < batches; n++) {
      const batch = this.#batches[this.#next] as PacketBatch;
      this.#next = (this.#next + 1) % this.#batches.length;
      this.#socket.feed(batch);
      for (let i = 0; i < BATCH; i++) bytes += batch.outputLengths[i] as number;
    }
    return bytes;
  }

  /** What `run` returns if each announce is answered with `peers` peers. */
  static expectedBytes(batches: number, peers: number): number {
    return batches * BATCH * (ANNOUNCE_ANSWER_PEERS + 6 * peers);
  }

  /** Leaves in each packet the connection id for its announcer's address. It is good for two minutes. */
  #connect(batch: PacketBatch, announcers: readonly number[]): void {
    for (const [i, number] of announcers.entries()) {
      writeIpv4(batch.sources, 4 * i, number);
      batch.inputLengths[i] = writeConnect(batch.input, batch.inputAt[i] as number, i);
    }
    this.#socket.feed(batch);
    for (let i = 0; i < BATCH; i++) {
      const answer = (batch.outputAt[i] as number) + ANSWER_HEADER;
      batch.input.set(batch.output.subarray(answer, answer + 8), batch.inputAt[i]);
    }
  }
}

function emptyBatch(output: Uint8Array): PacketBatch {
  const input = new Uint8Array(REQUEST * BATCH);
  return {
    count: BATCH,
    input,
    inputWords: new Int32Array(input.buffer),
    inputAt: Int32Array.from({ length: BATCH }, (_, i) => i * REQUEST),
    inputLengths: new Int32Array(BATCH),
    sources: new Uint8Array(4 * BATCH),
    sourceAt: Int32Array.from({ length: BATCH }, (_, i) => 4 * i),
    sourceLengths: new Int32Array(BATCH).fill(4),
    output,
    outputHalfwords: new Uint16Array(output.buffer),
    outputAt: Int32Array.from({ length: BATCH }, (_, i) => i * SLOT),
    outputLengths: new Int32Array(BATCH),
  };
}
