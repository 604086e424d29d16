/**
 * A network that exists only while a test runs: clients refuse peers on the loopback, and a tracker
 * must see each of them under an address of its own.
 *
 *      tracker's namespace          client's namespaces
 *      +-------------------+
 *      |  br0  10.77.0.1   |--veth--|  eth0  10.77.0.2  fd77::2 |
 *      |       fd77::1     |--veth--|  eth0  10.77.0.3  fd77::3 |
 *      +-------------------+
 *
 * Nothing of it is in the namespace of the tests, so that it can clash with nothing there. It ends
 * with its namespaces.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const PREFIX = 'chihaya-test';
const NAMESPACES = '/run/netns';

export interface Host {
  readonly namespace: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

let networks = 0;

export class Network {
  readonly tracker: Host;
  readonly clients: readonly Host[];
  readonly #close = () => this.close();

  /** @throws Error if the system does not let us; ask `whyNoNetwork` first */
  constructor(clients: number) {
    const name = `${PREFIX}-${process.pid}-${networks++}`;
    this.tracker = host(`${name}-tracker`, 1);
    this.clients = Array.from({ length: clients }, (_, i) => host(`${name}-client${i}`, i + 2));
    process.once('exit', this.#close);
    try {
      this.#open();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    process.off('exit', this.#close);
    for (const { namespace } of [...this.clients, this.tracker]) remove(namespace);
  }

  #open(): void {
    removeStale();
    const { namespace } = this.tracker;
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'add', 'br0', 'type', 'bridge');
    configure(this.tracker, 'br0');
    this.clients.forEach((client, i) => {
      ip('netns', 'add', client.namespace);
      const cable = `client${i}`;
      ip(
        '-n',
        namespace,
        'link',
        'add',
        cable,
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        client.namespace,
      );
      ip('-n', namespace, 'link', 'set', cable, 'master', 'br0', 'up');
      configure(client, 'eth0');
      // Clients look for their own address by a route to the outside.
      ip('-n', client.namespace, 'route', 'add', 'default', 'via', this.tracker.ipv4);
      ip('-n', client.namespace, '-6', 'route', 'add', 'default', 'via', this.tracker.ipv6);
    });
  }
}

/** Why there can be no such network here; `undefined` if there can. */
export function whyNoNetwork(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    new Network(1).close();
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${(error as Error).message}`;
  }
}

function host(namespace: string, number: number): Host {
  return { namespace, ipv4: `10.77.0.${number}`, ipv6: `fd77::${number}` };
}

function configure({ namespace, ipv4, ipv6 }: Host, device: string): void {
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  ip('-n', namespace, 'link', 'set', device, 'up');
  ip('-n', namespace, 'addr', 'add', `${ipv4}/24`, 'dev', device);
  // Without duplicate address detection: the address is usable at once.
  ip('-n', namespace, 'addr', 'add', `${ipv6}/64`, 'dev', device, 'nodad');
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function remove(namespace: string): void {
  if (!existsSync(`${NAMESPACES}/${namespace}`)) return;
  try {
    ip('netns', 'delete', namespace);
  } catch {
    // It is deleted by the next run: removeStale.
  }
}

/** Those of runs that were killed. */
function removeStale(): void {
  if (!existsSync(NAMESPACES)) return;
  for (const name of readdirSync(NAMESPACES)) {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) remove(name);
  }
}
