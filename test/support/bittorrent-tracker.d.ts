/** What the tests use of bittorrent-tracker, which brings no types. */
declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events';

  interface ClientOptions {
    infoHash: string | Uint8Array;
    peerId: string | Uint8Array;
    announce: string | string[];
    port: number;
  }

  interface AnnounceOptions {
    uploaded?: number;
    downloaded?: number;
    left?: number;
    numwant?: number;
    /** HTTP only. */
    compact?: number;
  }

  export class Client extends EventEmitter {
    constructor(options: ClientOptions);
    start(options?: AnnounceOptions): void;
    update(options?: AnnounceOptions): void;
    complete(options?: AnnounceOptions): void;
    stop(options?: AnnounceOptions): void;
    scrape(options?: { infoHash?: string | Uint8Array | readonly (string | Uint8Array)[] }): void;
    destroy(done?: (error: Error | null) => void): void;
  }
}
