/**
 * Sockets on ports that need a privilege, bound while there is one: by root, before the tracker becomes another user.
 * All others that user can bind, and bind again when a worker is replaced; hence only these are bound here.
 */

import type { BoundSocket, BoundSockets } from '../pkg/bound-sockets.ts';
import { type Libc, loadLibc } from '../pkg/libc.ts';
import { bindHost, formatHostPort } from '../pkg/listen-address.ts';
import { silentLogger } from '../pkg/logger.ts';
import { bindSocket, SOCK_DGRAM, SOCK_STREAM } from '../pkg/reuse-port.ts';
import { listenAddresses } from './listen-addresses.ts';
import type { TrackerConfig } from './tracker-parts.ts';
import { workerCount } from './worker-count.ts';

/** Linux's default; where it is lower, nothing is lost. */
const FIRST_FOR_ALL = 1024;

/**
 * @param bound those that need not be bound any more
 * @throws Error that names the address, if one cannot be bound
 */
export async function bindPrivileged(config: TrackerConfig, bound: BoundSockets): Promise<BoundSocket[]> {
  const privileged = listenAddresses(config).filter(
    ({ type, address }) => address.port > 0 && address.port < FIRST_FOR_ALL && !bound.has(type, address),
  );
  const workers = await workerCount(config.workers, silentLogger);
  const sockets: BoundSocket[] = [];
  for (const { key, type, address } of privileged) {
    try {
      // The metrics server is one, however many workers there are.
      const count = key === 'metrics_addr' ? 1 : workers;
      const libc = await loadLibc();
      const kind = type === 'stream' ? SOCK_STREAM : SOCK_DGRAM;
      const descriptors = await bindHost(address.host, (ip) => bindAll(libc, kind, ip, address.port, count));
      sockets.push({ type, address, descriptors });
    } catch (error) {
      const where = formatHostPort(address.host ?? '', address.port);
      throw new Error(`${key}: cannot bind ${where} for another user: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return sockets;
}

/** Several share the address. First alone: a socket that shares would not notice another tracker's. */
function bindAll(libc: Libc, kind: number, ip: string, port: number, count: number): number[] {
  const alone = bindSocket(libc, kind, ip, port, false);
  if (count === 1) return [alone];
  libc.close(alone);
  return Array.from({ length: count }, () => bindSocket(libc, kind, ip, port, true));
}
