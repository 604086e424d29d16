/** A cluster of three masters with a replica each, which takes its master's place a second or two after its death. */

import { type RedisServer, startRedises } from './redis-server.ts';
import type { Reply } from './resp-client.ts';
import { until } from './until.ts';

const MASTERS = 3;
const SLOTS = 16_384;
/** Of silence until a node takes another for dead. Shorter, and a busy machine has failovers that nobody asked for. */
const NODE_TIMEOUT = 1000;
const TIMEOUT = 20_000;

const CONFIG = {
  'cluster-enabled': 'yes',
  'cluster-announce-ip': '127.0.0.1',
  'cluster-node-timeout': String(NODE_TIMEOUT),
  // Nodes do not tell of a replica that has never received anything.
  'repl-ping-replica-period': '1',
  // A replica stays with its master, and may take its place however long that has been gone.
  'cluster-allow-replica-migration': 'no',
  'cluster-replica-validity-factor': '0',
};

/** Slots in a row, and who has them. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly master: RedisServer;
  readonly replicas: number;
}

/** Resolves when every node says that the cluster is well, and every replica has what its master has. */
export async function startCluster(options: { password?: string } = {}): Promise<RedisCluster> {
  const cluster = new RedisCluster(
    await startRedises(Array(2 * MASTERS).fill({ ...options, config: CONFIG })),
  );
  try {
    await cluster.form();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

export class RedisCluster {
  /** The masters at first, then their replicas in the same order; those included that were killed. */
  readonly nodes: readonly RedisServer[];

  /** Use `startCluster`. */
  constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  /** The masters, as the nodes that answer agree; in the order of their slots. */
  async masters(): Promise<RedisServer[]> {
    return (await this.#ranges()).map(({ master }) => master);
  }

  /** The master that has a key's slot. */
  async ownerOf(key: string | Uint8Array): Promise<RedisServer> {
    const ranges = await this.#ranges();
    const slot = Number(await ranges[0]?.master.command('CLUSTER', 'KEYSLOT', key));
    const range = ranges.find(({ from, to }) => slot >= from && slot <= to);
    if (!range) throw new Error(`no node has slot ${slot}`);
    return range.master;
  }

  /** Kills a master. Resolves with what was its replica, when every node that is left takes it for the master. */
  async failover(master: RedisServer): Promise<RedisServer> {
    const place = (await this.masters()).indexOf(master);
    if (place < 0) throw new Error(`${master.address} is no master`);
    await master.kill();
    return until(
      'its replica to take its place',
      async () => {
        const next = (await this.masters())[place];
        return next !== master && (await this.#isWell()) && next;
      },
      TIMEOUT,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** Called by `startCluster`. `redis-cli --cluster create` would choose by itself which replica follows which master. */
  async form(): Promise<void> {
    const masters = this.nodes.slice(0, MASTERS);
    const replicas = this.nodes.slice(MASTERS);
    for (const [i, master] of masters.entries()) {
      await master.command('CLUSTER', 'ADDSLOTSRANGE', firstSlot(i), firstSlot(i + 1) - 1);
      await master.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }
    for (const [i, node] of this.nodes.entries()) {
      for (const other of this.nodes.slice(i + 1)) {
        await node.command('CLUSTER', 'MEET', other.host, other.port);
      }
    }
    for (const [i, replica] of replicas.entries()) {
      const id = (await masters[i]?.text('CLUSTER', 'MYID')) as string;
      await until('a replica to know its master', () => replica.command('CLUSTER', 'REPLICATE', id));
    }
    await until(
      'the cluster to be well',
      async () => {
        const links = await Promise.all(replicas.map((replica) => replica.info('master_link_status')));
        const ranges = await this.#ranges();
        return (
          links.every((link) => link === 'up') &&
          ranges.length === MASTERS &&
          ranges.every((range) => range.replicas === 1) &&
          (await this.#isWell())
        );
      },
      TIMEOUT,
    );
  }

  async #isWell(): Promise<boolean> {
    const states = await this.#ask((node) => node.info('cluster_state', 'CLUSTER', 'INFO'));
    return states.every((state) => state === 'ok');
  }

  /** In the order of the slots. */
  async #ranges(): Promise<Range[]> {
    return until('the nodes to agree on who has which slots', async () => {
      const views = await this.#ask(async (node) => this.#read(await node.command('CLUSTER', 'SLOTS')));
      const [first, ...others] = views.map((view) =>
        view.map(({ from, to, master, replicas }) => [from, to, master.port, replicas]).join(),
      );
      return others.every((other) => other === first) && views[0];
    });
  }

  /** Of an answer to `CLUSTER SLOTS`: first slot, last slot, the master's address, those of replicas. */
  #read(reply: Reply): Range[] {
    return (reply as [number, number, ...Reply[][]][])
      .map(([from, to, owner, ...replicas]) => {
        const address = owner?.slice(0, 2).join(':');
        const master = this.nodes.find((node) => node.address === address);
        if (!master) throw new Error(`${address} is not of this cluster`);
        return { from, to, master, replicas: replicas.length };
      })
      .sort((a, b) => a.from - b.from);
  }

  /** What each node answers, of those that do. */
  async #ask<T>(question: (node: RedisServer) => Promise<T>): Promise<T[]> {
    const answers = await Promise.allSettled(this.nodes.map(question));
    return answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
  }
}

function firstSlot(master: number): number {
  return Math.floor((master * SLOTS) / MASTERS);
}
