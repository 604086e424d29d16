/**
 * What the tracker tells whoever has started it, if that is systemd or does as it does: sd_notify(3). Messages are
 * datagrams of lines to the Unix socket that NOTIFY_SOCKET names. Node has no such sockets, so they go through libc; where
 * that is not to be had, nothing is told.
 */

import { type Libc, lastError, loadLibc } from '../pkg/libc.ts';
import type { Logger } from '../pkg/logger.ts';
import { SOCK_DGRAM } from '../pkg/reuse-port.ts';
import { AF_UNIX, encodeUnixAddress } from '../pkg/socket-address.ts';

/** Nobody who does not read keeps the tracker waiting, or ends it. */
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;

type State = Readonly<Record<string, string | number | bigint>>;

export class ServiceManager {
  readonly #tell: (state: State) => void;

  /**
   * Takes what it needs out of the environment, so that no process is taken for this one that is started from here. If
   * it wants to be told that the tracker is alive, it is from now on.
   */
  static async find(env: NodeJS.ProcessEnv, logger: Logger): Promise<ServiceManager> {
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    if (!path) return new ServiceManager(() => {});
    let libc: Libc;
    try {
      libc = await loadLibc();
    } catch (error) {
      logger.warn({ reason: (error as Error).message }, 'the service manager is told nothing');
      return new ServiceManager(() => {});
    }
    const manager = new ServiceManager((state) => send(libc, path, state, logger));
    if (Number(usec) > 0 && (!pid || Number(pid) === process.pid)) {
      manager.#tell({ WATCHDOG: 1 });
      // Twice as often as it has to be, as sd_watchdog_enabled(3) advises.
      setInterval(() => manager.#tell({ WATCHDOG: 1 }), Number(usec) / 2_000).unref();
    }
    return manager;
  }

  private constructor(tell: (state: State) => void) {
    this.#tell = tell;
  }

  /** It has started, or a reload has ended. */
  ready(status: string): void {
    this.#tell({ READY: 1, STATUS: status });
  }

  reloading(): void {
    // By the clock that Node's high-resolution time is of: CLOCK_MONOTONIC.
    const now = process.hrtime.bigint() / 1000n;
    this.#tell({ RELOADING: 1, MONOTONIC_USEC: now, STATUS: 'reloading' });
  }

  stopping(): void {
    this.#tell({ STOPPING: 1, STATUS: 'stopping' });
  }
}

function send(libc: Libc, path: string, state: State, logger: Logger): void {
  const lines = Object.entries(state).map(([name, value]) => `${name}=${value}`);
  const message = new TextEncoder().encode(lines.join('\n'));
  const address = encodeUnixAddress(path);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  const sent = libc.sendto(fd, message, message.length, MSG_DONTWAIT_NOSIGNAL, address, address.length);
  if (sent < 0) logger.warn({ err: lastError(libc, path) }, 'the service manager could not be told');
  libc.close(fd);
}
