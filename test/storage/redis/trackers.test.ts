/** Trackers as processes, over one Redis. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../../src/pkg/random.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { countersIn, countersOf, dump } from '../../support/redis-dump.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { someInfohash, somePeerId } from '../../support/requests.ts';
import { TrackerProcess } from '../../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../../support/udp-client.ts';
import { until } from '../../support/until.ts';

/** How long the random clients go on; a minute is CHIHAYA_TEST_SECONDS=60. */
const SECONDS = Number(process.env.CHIHAYA_TEST_SECONDS ?? 6);

/** Longer than peers are remembered in that test (milliseconds). */
const SILENCE = 2000;

const Event = { None: 0, Completed: 1, Started: 2, Stopped: 3 } as const;

interface Announce {
  readonly swarm: string | number;
  readonly who: number;
  readonly family?: 4 | 6;
  readonly left?: bigint;
  readonly event?: number;
}

interface Answer {
  readonly complete: number;
  readonly incomplete: number;
  /** Compact, in hex. */
  readonly peers: string[];
}

/** A client of one tracker that says that it is at any address. */
class Client {
  readonly #udp: UdpClient;
  readonly #id: Buffer;
  #transaction = 0;

  static async open(tracker: TrackerProcess): Promise<Client> {
    const udp = await UdpClient.open(Number(tracker.address('udp').port));
    return new Client(udp, Buffer.from(await udp.connect()));
  }

  private constructor(udp: UdpClient, id: Buffer) {
    this.#udp = udp;
    this.#id = id;
  }

  async announce({ swarm, who, family = 4, left = 1n, event = Event.None }: Announce): Promise<Answer> {
    const answer = await this.#udp.ask(
      announcePacket({
        connectionId: this.#id,
        action: family === 4 ? 1 : 4,
        transactionId: ++this.#transaction,
        infohash: someInfohash(swarm).bytes,
        peerId: somePeerId(who),
        ip: Buffer.from(compact(who, family), 'hex').subarray(0, -2),
        port: 1024 + who,
        left,
        event,
        numwant: 30,
      }),
    );
    if (answer.readUInt32BE(0) === 3) throw new Error(answer.toString('latin1', 8));
    const length = family === 4 ? 6 : 18;
    const peers: string[] = [];
    for (let at = 20; at < answer.length; at += length) {
      peers.push(answer.toString('hex', at, at + length));
    }
    return { incomplete: answer.readUInt32BE(12), complete: answer.readUInt32BE(16), peers };
  }

  close(): Promise<void> {
    return this.#udp.close();
  }
}

/** Where peer `who` is, as answers have it. */
function compact(who: number, family: 4 | 6): string {
  const port = (1024 + who).toString(16).padStart(4, '0');
  const number = who.toString(16).padStart(4, '0');
  return family === 4 ? `0a00${number}${port}` : `20010db8${'0'.repeat(20)}${number}${port}`;
}

describeWithRedis('trackers over one Redis', () => {
  let redis: RedisServer;
  const trackers: TrackerProcess[] = [];

  beforeEach(async () => {
    redis = await startRedis({ user: { name: 'chihaya', password: 'of-the-trackers' } });
  });
  afterEach(async () => {
    await Promise.all(trackers.splice(0).map((tracker) => tracker.stop()));
    await redis.stop();
  });

  async function start(config: object = {}, workers = 1): Promise<TrackerProcess> {
    const tracker = await TrackerProcess.start({
      workers,
      metrics_addr: '127.0.0.1:0',
      udp: { addr: '127.0.0.1:0', allow_ip_spoofing: true, private_key: 'of no use outside' },
      storage: { name: 'redis', config: { redis_broker: redis.url, ...config } },
    });
    trackers.push(tracker);
    return tracker;
  }

  async function exactCounters(): Promise<void> {
    const all = await dump(redis);
    for (const family of ['IPv4', 'IPv6'] as const) {
      expect(countersIn(all, family), family).toEqual(countersOf(all, family));
    }
  }

  it('share their peers, and lose none of them when one is killed', async () => {
    const [one, two] = [await start(), await start()];
    const [first, second] = [await Client.open(one), await Client.open(two)];
    await first.announce({ swarm: 'a', who: 1, left: 0n });
    await until(
      'the write that follows the answer',
      async () => (await redis.command('EXISTS', 'IPv4')) === 1,
    );
    expect(await second.announce({ swarm: 'a', who: 2 })).toEqual({
      complete: 1,
      incomplete: 0,
      peers: [compact(1, 4)],
    });
    await until('the next', async () => (await redis.text('GET', 'IPv4_L_count')) === '1');
    expect((await first.announce({ swarm: 'a', who: 1, left: 0n })).peers).toEqual([compact(2, 4)]);

    for (let who = 3; who < 23; who++) await first.announce({ swarm: 'a', who });
    await until('the last one', async () => (await redis.text('GET', 'IPv4_L_count')) === '21');
    await one.process.stop('SIGKILL');
    expect(await second.announce({ swarm: 'a', who: 2 })).toMatchObject({ complete: 1, incomplete: 21 });
    expect((await second.announce({ swarm: 'a', who: 2 })).peers).toHaveLength(21);
    await exactCounters();

    const three = await start();
    const third = await Client.open(three);
    await two.process.stop('SIGKILL');
    expect(await third.announce({ swarm: 'a', who: 2 })).toMatchObject({ complete: 1, incomplete: 21 });
    expect(three.problems()).toEqual([]);
    await Promise.all([first, second, third].map((client) => client.close()));
  });

  it('publish the totals of Redis once, and what each thread measures', async () => {
    const tracker = await start({ prometheus_reporting_interval: '50ms' }, 2);
    const client = await Client.open(tracker);
    await client.announce({ swarm: 'a', who: 1, left: 0n });
    await client.announce({ swarm: 'a', who: 2 });
    await client.announce({ swarm: 'b', who: 2, family: 6 });
    const value = async (line: string) => {
      const text = await (await fetch(tracker.metrics as string)).text();
      return Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1]);
    };
    await until('the totals', async () => (await value('chihaya_storage_leechers_count')) === 2);
    expect(await value('chihaya_storage_seeders_count')).toBe(1);
    expect(await value('chihaya_storage_infohashes_count')).toBe(2);
    expect(await value('chihaya_redis_ready')).toBe(3);
    expect(await value('chihaya_redis_request_duration_milliseconds_count{operation="announce"}')).toBe(3);
    await client.close();
  });

  it('never log the password', async () => {
    const tracker = await start();
    await redis.kill();
    const client = await Client.open(tracker);
    await expect(client.announce({ swarm: 'a', who: 1 })).rejects.toThrow('internal server error');
    await until('the outage to be logged', () => tracker.problems().length > 0);
    await client.close();
    expect(tracker.process.output).toContain('redis://<redacted>@127.0.0.1');
    expect(tracker.process.output).not.toContain('of-the-trackers');
  });

  describe('with a hundred random clients, and collections all the time', () => {
    it(`for ${SECONDS} seconds`, { timeout: 1000 * SECONDS + 60_000 }, async () => {
      const config = { gc_interval: '150ms', peer_lifetime: '1500ms' };
      const both = [await start(config), await start(config, 2)];
      const end = Date.now() + 1000 * SECONDS;
      let announces = 0;
      let collected = 0;
      const client = async (number: number) => {
        const random = new Random();
        const connections = await Promise.all(both.map(Client.open.bind(Client)));
        while (Date.now() < end) {
          const family = random.below(2) === 0 ? 4 : 6;
          // Some are two clients' own: the same peer, at two trackers at once.
          const who = number - random.below(2);
          const own = compact(who, family);
          const connection = connections[random.below(2)] as Client;
          const { complete, incomplete, peers } = await connection.announce({
            swarm: random.below(12),
            who,
            family,
            left: BigInt(random.below(2)),
            event: [Event.None, Event.None, Event.Completed, Event.Started, Event.Stopped][
              random.below(5)
            ] as number,
          });
          announces++;
          // A peer that is alone is given itself, by the logic and not by the store.
          if (peers.includes(own)) expect(peers).toEqual([own]);
          expect(new Set(peers).size).toBe(peers.length);
          expect(peers.length).toBeLessThanOrEqual(complete + incomplete);
          // Silent for long enough to be collected.
          if (announces % 200 === 0 && Date.now() < end - SILENCE) {
            collected++;
            await new Promise((resolve) => setTimeout(resolve, SILENCE));
          }
        }
        await Promise.all(connections.map((connection) => connection.close()));
      };
      await Promise.all(Array.from({ length: 100 }, (_, number) => client(number + 1)));
      await Promise.all(both.map((tracker) => tracker.process.stop()));

      const all = await dump(redis);
      expect(announces).toBeGreaterThan(1000);
      expect(collected).toBeGreaterThan(0);
      expect(Object.keys(all).length).toBeGreaterThan(10);
      for (const family of ['IPv4', 'IPv6'] as const) {
        expect(countersIn(all, family), family).toEqual(countersOf(all, family));
        for (const [key, seeders] of Object.entries(all)) {
          if (!key.startsWith(`${family}_S_`) || typeof seeders === 'string') continue;
          const leechers = all[key.replace('_S_', '_L_')] ?? {};
          expect(Object.keys(seeders).filter((field) => field in (leechers as object))).toEqual([]);
        }
      }
      for (const tracker of both) expect(tracker.problems()).toEqual([]);
      if (process.env.REPORT !== undefined) process.stderr.write(`${announces} announces\n`);
    });
  });
});
