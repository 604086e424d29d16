/** A master, two replicas, and three sentinels that choose another master within a second or two of its death. */

import { type RedisOptions, type RedisServer, startRedis, startRedises } from './redis-server.ts';
import type { Reply } from './resp-client.ts';
import { until } from './until.ts';

const REPLICAS = 2;
/**
 * Of silence until each sentinel takes a server for dead. Shorter, and a busy machine has failovers that nobody asked
 * for. Were they alike, sentinels would stand for election at once and split the votes, and wait before the next.
 */
const DOWN_AFTER = [700, 900, 1100];
const QUORUM = 2;
const FAILOVER_TIMEOUT = 20_000;

/**
 * How often sentinels look around, in ms: they are made for machines that are far apart. A ping period after they have
 * first heard of a master comes the first ping: well before the shortest silence. And five of them make the oldest
 * news by which a replica may be chosen, which it sends every 1000 ms then.
 */
const IMPATIENCE = [
  ['ping-period', 300],
  ['info-period', 200],
  ['ask-period', 100],
  ['publish-period', 100],
  ['election-timeout', 1000],
  ['tilt-period', 1000],
].flat();

/** Resolves when every sentinel knows every server and every other sentinel. */
export async function startSentinelGroup(options: { password?: string } = {}): Promise<SentinelGroup> {
  const servers: RedisServer[] = [];
  const sentinels: RedisServer[] = [];
  const group = new SentinelGroup(servers, sentinels);
  try {
    const master = await startRedis(options);
    servers.push(master);
    servers.push(...(await startRedises(Array(REPLICAS).fill({ ...options, replicaOf: master }))));
    sentinels.push(...(await startRedises(DOWN_AFTER.map((after) => sentinelOf(group.name, master, after)))));
    await group.settle();
    return group;
  } catch (error) {
    await group.stop();
    throw error;
  }
}

export class SentinelGroup {
  /** What the sentinels call their master. */
  readonly name = 'mymaster';
  /** The master at first and its replicas, in the order started, those included that were killed. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  /** Use `startSentinelGroup`. */
  constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  /** The master, as the sentinels that answer agree. */
  async master(): Promise<RedisServer> {
    return until('the sentinels to agree on a master', async () => {
      const named = new Set(await this.#named());
      const [master] = named;
      return named.size === 1 && master;
    });
  }

  /** Kills the master. Resolves with the next one, when every sentinel names it and it takes writes. */
  async failover(): Promise<RedisServer> {
    const old = await this.master();
    await old.kill();
    return until(
      'another master',
      async () => {
        const next = await this.master();
        return next !== old && (await next.info('role')) === 'master' && next;
      },
      FAILOVER_TIMEOUT,
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }

  /** Called by `startSentinelGroup`. */
  async settle(): Promise<void> {
    for (const sentinel of this.sentinels) {
      await sentinel.command('SENTINEL', 'DEBUG', ...IMPATIENCE);
    }
    await until('every sentinel to know all the others', async () => {
      const views = await Promise.all(
        this.sentinels.map(async (sentinel) => ({
          replicas: await this.#seenBy(sentinel, 'REPLICAS'),
          sentinels: await this.#seenBy(sentinel, 'SENTINELS'),
        })),
      );
      return views.every(
        ({ replicas, sentinels }) =>
          replicas.length === REPLICAS &&
          replicas.every(
            (each) => each.get('flags') === 'slave' && each.get('master-link-status') === 'ok',
          ) &&
          sentinels.length === DOWN_AFTER.length - 1 &&
          sentinels.every((each) => each.get('flags') === 'sentinel'),
      );
    });
  }

  async #seenBy(sentinel: RedisServer, what: 'REPLICAS' | 'SENTINELS'): Promise<Map<string, string>[]> {
    return ((await sentinel.command('SENTINEL', what, this.name)) as Reply[]).map(fields);
  }

  /** The server that each sentinel names, of those that answer. */
  async #named(): Promise<(RedisServer | undefined)[]> {
    const answers = await Promise.allSettled(
      this.sentinels.map((sentinel) => sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name)),
    );
    return answers
      .filter((answer) => answer.status === 'fulfilled')
      .map(({ value }) => (value as Reply[]).join(':'))
      .map((address) => this.servers.find((server) => server.address === address));
  }
}

function sentinelOf(name: string, { host, port, password }: RedisServer, downAfter: number): RedisOptions {
  return {
    sentinel: true,
    config: {
      [`sentinel monitor ${name}`]: `${host} ${port} ${QUORUM}`,
      [`sentinel down-after-milliseconds ${name}`]: String(downAfter),
      [`sentinel failover-timeout ${name}`]: '2000',
      ...(password === undefined ? {} : { [`sentinel auth-pass ${name}`]: JSON.stringify(password) }),
    },
  };
}

/** Of a reply that lists names and values in turns. */
function fields(reply: Reply): Map<string, string> {
  const list = (reply as Reply[]).map(String);
  return new Map(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] as string]] : [])));
}
