/**
 * Sockets that systemd has bound and hands over: sd_listen_fds(3). Each is matched to an address of the configuration, by
 * where it is bound, or by the name that its unit gives it. Several workers share the one socket of an address.
 */

import { lookup } from 'node:dns/promises';
import type { BoundSocket, SocketType } from '../pkg/bound-sockets.ts';
import { type Libc, loadLibc } from '../pkg/libc.ts';
import { formatHostPort, type ListenAddress } from '../pkg/listen-address.ts';
import type { Logger } from '../pkg/logger.ts';
import { SOL_SOCKET } from '../pkg/reuse-port.ts';
import { decodeSocketAddress, SOCKADDR_IN6 } from '../pkg/socket-address.ts';
import { type ConfiguredAddress, listenAddresses } from '../server/listen-addresses.ts';
import type { TrackerConfig } from '../server/tracker-parts.ts';

/** The descriptor of the first. */
const FIRST = 3;

const SO_TYPE = 3;
const TYPES: readonly (SocketType | undefined)[] = [undefined, 'stream', 'dgram'];
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** `FileDescriptorName=` of a socket unit, and the option whose address it is. */
const KEYS = new Map([
  ['http', 'http.addr'],
  ['https', 'http.https_addr'],
  ['udp', 'udp.addr'],
  ['metrics', 'metrics_addr'],
]);

interface Inherited {
  readonly descriptor: number;
  readonly name: string | undefined;
  /** Where it is bound; `undefined` where the system cannot be asked. */
  readonly at:
    | { readonly type: SocketType | undefined; readonly host: string; readonly port: number }
    | undefined;
}

/** Takes the descriptors that the environment tells of, which it then does no more. */
export async function takeInherited(env: NodeJS.ProcessEnv): Promise<Inherited[]> {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  // They are another's: the environment came down from there.
  if (Number(pid) !== process.pid || !(Number(count) > 0)) return [];
  const libc = await loadLibc().catch(() => undefined);
  return Array.from({ length: Number(count) }, (_, i) => ({
    descriptor: FIRST + i,
    name: names.split(':')[i],
    at: libc && whereIs(libc, FIRST + i),
  }));
}

function whereIs(libc: Libc, descriptor: number): Inherited['at'] {
  libc.fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  const type = new Int32Array(1);
  libc.getsockopt(descriptor, SOL_SOCKET, SO_TYPE, type, Int32Array.of(type.byteLength));
  const address = new Uint8Array(SOCKADDR_IN6);
  libc.getsockname(descriptor, address, Int32Array.of(SOCKADDR_IN6));
  return { type: TYPES[type[0] as number], ...decodeSocketAddress(address) };
}

/** Those that the configuration has an address for. What is left over on either side is logged. */
export async function matchInherited(
  inherited: readonly Inherited[],
  config: TrackerConfig,
  logger: Logger,
): Promise<BoundSocket[]> {
  if (inherited.length === 0) return [];
  const left = await Promise.all(
    listenAddresses(config).map(async (each) => ({ ...each, ip: await ipOf(each) })),
  );
  const matched: BoundSocket[] = [];
  for (const socket of inherited) {
    const index = left.findIndex((each) => isFor(socket, each));
    const [found] = index < 0 ? [] : left.splice(index, 1);
    const { descriptor, name, at } = socket;
    const fields = {
      descriptor,
      name,
      ...(at && { type: at.type, address: formatHostPort(at.host, at.port) }),
    };
    if (found) {
      logger.info({ ...fields, for: found.key }, 'a socket was handed over');
      matched.push({ type: found.type, address: found.address, descriptors: [descriptor] });
    } else
      logger.warn(
        fields,
        'a socket was handed over that no address in the configuration is for: nobody serves it',
      );
  }
  for (const { key, address } of left) {
    const where = formatHostPort(address.host ?? '', address.port);
    logger.info(`no socket was handed over for ${key}: the tracker binds ${where} itself`);
  }
  return matched;
}

function isFor(
  { name, at }: Inherited,
  { key, type, address, ip }: ConfiguredAddress & { ip: string },
): boolean {
  if (at && at.type !== type) return false;
  if (name !== undefined && KEYS.has(name)) return KEYS.get(name) === key;
  return at !== undefined && at.port === address.port && at.host === ip;
}

async function ipOf({ address: { host } }: { readonly address: ListenAddress }): Promise<string> {
  if (host === undefined) return '::';
  // A name that is not known is told when it is to be bound.
  return lookup(host).then(
    ({ address }) => address,
    () => host,
  );
}
