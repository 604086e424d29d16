/**
 * Waits for many descriptors at once, inside the event loop: Node has no public way to have its own loop watch
 * a descriptor that it did not open. One for each thread, however many sockets it has.
 *
 *   epoll_wait, in a thread of the pool ──▶ ready(), for each descriptor
 *        ▲                                     │   ▲
 *        │                                     ▼   │ up to ROUNDS times, then setImmediate:
 *        └──── nothing more is ready ───── epoll_wait │ everything else in the loop has its turn
 *
 * Under load nobody waits: something is ready already, and the thread of the pool is asked once per dry spell. Under
 * half of it, when spells are short, that thread would be asked for nearly every packet, and to ask it costs more than to
 * answer one: then this thread itself waits first, for no longer than everything else in the loop may be late.
 */

import { recordedWake } from './descriptors.ts';
import { EFD_CLOEXEC_NONBLOCK, type Libc, lastError } from './libc.ts';

// Linux's constants.
export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
/** An event tells once of a change, not again and again of a state. */
export const EPOLLET = 1 << 31;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;

/** `struct epoll_event`, in words: events, then 64 bits of ours. x86-64 alone packs it. */
const EVENT = process.arch === 'x64' ? 3 : 4;
const DATA = process.arch === 'x64' ? 1 : 2;

/** Events taken in a round. */
const MOST = 256;

/** Rounds before the event loop has its turn. */
const ROUNDS = 4;

/** Rounds that are waited for until nothing is ready: a busy tracker's sockets are never all dry, and a stop has to end. */
const LAST_ROUNDS = 256;

/** The longest a thread waits, in milliseconds: a thread that ends without a word is not waited for longer. */
const LONGEST_WAIT = 1000;

/** A dry spell of fewer milliseconds, as it is when the thread of the pool waits it out, makes the next be expected to be short. */
const SHORT = 0.5;

/** How long this thread waits: `struct timespec`, a tenth of a millisecond. */
const WAIT_HERE = Int32Array.of(0, 0, 100_000, 0);
const POLLIN = 1;

/** Whoever watches a descriptor. */
export interface Watcher {
  /** @param events what epoll says of the descriptor; must not throw */
  ready(events: number): void;
}

/**
 * Nobody's. An event carries the number of its descriptor and that of the watch: one that is told of when its
 * descriptor is closed, and the number perhaps given to another, is thrown away.
 */
const UNWATCHED = 0;
const LAST_WATCH = 0x3fff_ffff;

export class Poller {
  readonly #libc: Libc;
  readonly #events = new Int32Array(EVENT * MOST);
  readonly #eventsAt: bigint;
  readonly #event = new Int32Array(EVENT);
  /** Both by descriptor. */
  readonly #watchers: (Watcher | undefined)[] = [];
  readonly #watches: number[] = [];
  #lastWatch = UNWATCHED;
  #epoll = -1;
  #wake = -1;
  /** Whoever needs it open. */
  #holders = 0;
  /** Whether the thread is about to end, so that nothing may be waited for any more. */
  #ending = false;
  /** Whether a thread of the pool waits. */
  #waiting = false;
  /** When it began to, by `performance.now()`. */
  #waitingSince = 0;
  /** Whether the last dry spell was short. */
  #short = false;
  readonly #pollDescriptors = Int32Array.of(-1, POLLIN);
  #onDry: (() => void)[] = [];
  #roundsLeft = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#eventsAt = libc.address(this.#events);
  }

  /** To be called before anything is watched, once by each socket. @throws Error if the system has no descriptor left */
  hold(): void {
    if (this.#epoll < 0) this.#open();
    this.#holders++;
  }

  /** Closes the poller, in a moment, if nobody else holds it. */
  release(): void {
    if (--this.#holders === 0) this.#endWait();
  }

  /** Returns whether the system has room for it. */
  watch(fd: number, events: number, watcher: Watcher): boolean {
    const { length } = this.#watchers;
    // One by one: an array with holes is a hash table.
    for (let i = length; i <= fd; i++) {
      this.#watchers.push(undefined);
      this.#watches.push(UNWATCHED);
    }
    this.#lastWatch = this.#lastWatch === LAST_WATCH ? 1 : this.#lastWatch + 1;
    this.#watchers[fd] = watcher;
    this.#watches[fd] = this.#lastWatch;
    if (this.#control(EPOLL_CTL_ADD, fd, events)) return true;
    this.closing(fd);
    return false;
  }

  /** Has other events told of; one that is the case now is told of again. */
  rewatch(fd: number, events: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events);
  }

  unwatch(fd: number): void {
    this.closing(fd);
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  /** A watched descriptor is about to be closed, with which the system forgets it. */
  closing(fd: number): void {
    this.#watchers[fd] = undefined;
    this.#watches[fd] = UNWATCHED;
  }

  /** Resolves when all has been told of that is ready now, or so much that there may be no end of it. */
  dry(): Promise<void> {
    this.#roundsLeft = LAST_ROUNDS;
    this.#endWait();
    return new Promise((resolve) => this.#onDry.push(resolve));
  }

  /** An eventfd, to wake the thread of the pool. */
  ready(): void {
    this.#libc.read(this.#wake, new Uint8Array(8), 8);
  }

  #open(): void {
    const epoll = this.#libc.epollCreate(EPOLL_CLOEXEC);
    if (epoll < 0) throw lastError(this.#libc, 'epoll_create1');
    const wake = this.#libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (wake < 0) {
      const error = lastError(this.#libc, 'eventfd');
      this.#libc.close(epoll);
      throw error;
    }
    this.#epoll = epoll;
    this.#pollDescriptors[0] = epoll;
    this.#wake = wake;
    this.watch(wake, EPOLLIN, this);
    const supervisors = recordedWake();
    if (supervisors !== undefined) {
      this.watch(supervisors, EPOLLIN, {
        ready: () => {
          this.#ending = true;
        },
      });
    }
    // Node waits at its exit for threads of the pool.
    process.once('exit', this.#endWait);
    this.#wait();
  }

  #close(): void {
    process.off('exit', this.#endWait);
    this.closing(this.#wake);
    this.#libc.close(this.#epoll);
    this.#libc.close(this.#wake);
    this.#epoll = -1;
    this.#tellDry();
  }

  #tellDry(): void {
    for (const resolve of this.#onDry) resolve();
    this.#onDry = [];
  }

  readonly #endWait = (): void => {
    if (this.#waiting) this.#libc.write(this.#wake, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
  };

  #control(operation: number, fd: number, events: number): boolean {
    const event = this.#event;
    event[0] = events;
    event[DATA] = fd;
    event[DATA + 1] = this.#watches[fd] as number;
    return this.#libc.epollControl(this.#epoll, operation, fd, event) === 0;
  }

  #wait(): void {
    this.#waiting = true;
    this.#waitingSince = performance.now();
    void this.#libc.epollWaitAside(this.#epoll, this.#eventsAt, MOST, LONGEST_WAIT).then(this.#waited);
  }

  /** Returns whether something is ready. */
  #waitHere(): boolean {
    this.#short = this.#libc.ppoll(this.#pollDescriptors, 1, WAIT_HERE, null) > 0;
    return this.#short;
  }

  readonly #waited = (count: number): void => {
    this.#waiting = false;
    this.#short = performance.now() - this.#waitingSince < SHORT;
    this.#tell(count);
    this.#go();
  };

  readonly #go = (): void => {
    for (let round = 0; round < ROUNDS && !this.#ending; round++) {
      if (this.#holders === 0) {
        this.#close();
        return;
      }
      const count = this.#libc.epollWait(this.#epoll, this.#eventsAt, MOST, 0);
      if (this.#onDry.length > 0 && (count <= 0 || --this.#roundsLeft === 0)) this.#tellDry();
      if (count > 0) {
        this.#tell(count);
      } else if (this.#short && this.#waitHere()) {
        break;
      } else {
        this.#wait();
        return;
      }
    }
    if (!this.#ending) setImmediate(this.#go);
  };

  #tell(count: number): void {
    const events = this.#events;
    for (let at = 0; at < count * EVENT; at += EVENT) {
      const fd = events[at + DATA] as number;
      if (this.#watches[fd] === events[at + DATA + 1]) this.#watchers[fd]?.ready(events[at] as number);
    }
  }
}

let own: Poller | undefined;

/** This thread's. */
export function threadPoller(libc: Libc): Poller {
  own ??= new Poller(libc);
  return own;
}
