/** A worker is killed while both serve UDP: the other serves on, another takes its place, and nothing that was answered is lost. */

import { expect, onTestFinished, test } from 'vitest';
import { Supervised } from '../support/supervised.ts';
import { announcePacket, scrapePacket, UdpClient } from '../support/udp-client.ts';

const WORKERS = 2;

/** From so many ports: that one worker is asked by none of them happens once in ten million times. */
const CLIENTS = 24;
const SWARMS = 40;

/** What an answer may take before the packet is taken for lost (milliseconds), and in which a worker that was replaced must have answered. */
const PATIENCE = 300;
const SOON = 20_000;

const infohashes = Array.from({ length: SWARMS }, (_, swarm) => Buffer.from(String(swarm).padStart(20, 'x')));

/** What was answered, and what the swarms must be after that. */
class Answers {
  going = true;
  count = 0;
  /** Peers that have announced. */
  peers = 0;
  readonly swarms = infohashes.map(() => ({ complete: 0, downloaded: 0, incomplete: 0 }));
}

/** Sends a packet until it is answered: what a dying worker had before it is gone. */
async function insist(client: UdpClient, packet: Buffer): Promise<Buffer> {
  for (;;) {
    await client.send(packet);
    try {
      // The answer to what was given up may still come.
      for (;;) {
        const answer = await client.receive(PATIENCE);
        if (answer.subarray(4, 8).equals(packet.subarray(12, 16))) return answer;
      }
    } catch (error) {
      if (!String(error).includes('no answer within')) throw error;
    }
  }
}

/** Announces one peer after another. Every second one completes the torrent, and of those every second one leaves. */
async function announcePeers(client: UdpClient, connectionId: Buffer, answers: Answers): Promise<void> {
  let transactionId = 1;
  const announce = async (n: number, left: bigint, event: number) => {
    const answer = await insist(
      client,
      announcePacket({
        connectionId,
        transactionId: transactionId++,
        infohash: infohashes[n % SWARMS] as Buffer,
        peerId: `-XX0001-${String(n).padStart(12, '0')}`,
        port: 1 + (n % 65535),
        left,
        event,
        numwant: 50,
      }),
    );
    expect(answer.readUInt32BE(0)).toBe(1);
    answers.count++;
  };
  const [completed, started, stopped] = [1, 2, 3];
  while (answers.going) {
    const n = answers.peers++;
    const swarm = answers.swarms[n % SWARMS] as Answers['swarms'][number];
    const turn = Math.floor(n / SWARMS);
    await announce(n, 1000n, started);
    swarm.incomplete++;
    if (turn % 2 === 0) continue;
    await announce(n, 0n, completed);
    swarm.incomplete--;
    swarm.complete++;
    swarm.downloaded++;
    if (turn % 4 === 1) continue;
    await announce(n, 0n, stopped);
    swarm.complete--;
  }
}

test.skipIf(process.platform !== 'linux')(
  'a worker killed under load loses nothing',
  { timeout: 60_000 },
  async () => {
    const tracker = await Supervised.start(
      { udp: { addr: '127.0.0.1:0' }, storage: { name: 'memory', config: { shard_count: 4 } } },
      WORKERS,
    );
    onTestFinished(() => tracker.stop());
    const port = tracker.port('udp');
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => UdpClient.open(port)));
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
    const ids = await Promise.all(clients.map((client) => client.connect()));
    const answers = new Answers();
    const load = Promise.all(clients.map((client, i) => announcePeers(client, ids[i] as Buffer, answers)));
    const answered = (more: number) => {
      const before = answers.count;
      return expect.poll(() => answers.count - before, { timeout: SOON }).toBeGreaterThan(more);
    };

    for (const number of [2, 1, 2, 1, 2]) {
      await answered(500);
      const dead = tracker.supervisor.threads[number - 1];
      if (!dead) throw new RangeError(`there is no worker ${number}`);
      dead.terminate();
      await dead.ended;
      const before = answers.count;
      await tracker.replaced(dead);
      expect(answers.count - before).toBeGreaterThan(CLIENTS);
      // It is asked as the other is.
      await expect
        .poll(
          async () => {
            await tracker.metric('chihaya_workers');
            return Math.min(...tracker.answered('udp'));
          },
          { timeout: SOON },
        )
        .toBeGreaterThan(0);
    }
    answers.going = false;
    await load;

    // Whoever is asked has the same swarms, and can lock every part of them.
    expect(answers.peers).toBeGreaterThan(10 * SWARMS);
    for (const [i, client] of clients.entries()) {
      const scrape = await insist(client, scrapePacket(ids[i] as Buffer, infohashes));
      const told = answers.swarms.map((_, swarm) => ({
        complete: scrape.readUInt32BE(8 + 12 * swarm),
        downloaded: scrape.readUInt32BE(12 + 12 * swarm),
        incomplete: scrape.readUInt32BE(16 + 12 * swarm),
      }));
      expect(told).toEqual(answers.swarms);
    }
    expect(await tracker.metric('chihaya_worker_restarts_total')).toBe(5);
  },
);
