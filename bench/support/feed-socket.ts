/**
 * A UdpSocket without a network: batches are handed straight to the frontend, and its answers stay where they
 * were written. What is measured with it is the tracker alone, without the kernel.
 */

import type { BoundAddress } from '../../src/frontend/frontend.ts';
import type { BatchHandler, PacketBatch, Reply, UdpSocket } from '../../src/frontend/udp/socket/socket.ts';

export class FeedSocket implements UdpSocket {
  readonly address: BoundAddress = { protocol: 'udp', host: '127.0.0.1', port: 0 };
  #handle: BatchHandler = () => {};

  serve(handle: BatchHandler): void {
    this.#handle = handle;
  }

  /** Has a batch answered. */
  feed(batch: PacketBatch): void {
    this.#handle(batch);
  }

  reply(): Reply {
    throw new Error('no request of a benchmark has to wait');
  }

  async drain(): Promise<void> {}

  async close(): Promise<void> {}
}
