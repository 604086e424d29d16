/**
 * Two leechers meet in a swarm of their own. An answer shows the swarm as it was before the announce
 * that it answers, and a peer that is alone is given itself: so the first gets itself, the second the first.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement, GivenPeer, TrackerClient } from './tracker-client.ts';

/** @throws Error that says what was expected and what came */
export async function checkSwarm(client: TrackerClient, delay: number): Promise<void> {
  const infohash = randomBytes(20);
  const first = { infohash, peerId: randomPeerId(), port: 10_001, compact: true };
  const second = { infohash, peerId: randomPeerId(), port: 10_002, compact: true };

  const alone = await announce(client, 'the first peer', { ...first, event: 'started' });
  expectOnly(alone, first.port, 'the first peer');
  // The tracker writes an announce to storage after it has answered it.
  await sleep(delay);
  const met = await announce(client, 'the second peer', { ...second, event: 'started' });
  expectOnly(met, first.port, 'the second peer');
  await sleep(delay);

  const counts = await client.scrape(infohash);
  if (counts && (counts.complete !== 0 || counts.incomplete !== 2)) {
    throw new Error(
      `the scrape: expected 0 complete and 2 incomplete, found ${counts.complete} and ${counts.incomplete}`,
    );
  }
  if (client.knowsFullForm) await checkFullForm(client, first, second);
  // The test leaves nothing behind.
  for (const peer of [first, second]) await client.announce({ ...peer, event: 'stopped' });
}

type TestPeer = Omit<Announcement, 'event'>;

async function checkFullForm(client: TrackerClient, first: TestPeer, second: TestPeer): Promise<void> {
  const who = 'the first peer, not compact';
  const peers = await announce(client, who, { ...first, event: 'none', compact: false });
  expectOnly(peers, second.port, who);
  if (!peers[0]?.id?.equals(second.peerId)) {
    throw new Error(`${who}: expected the second peer's id, found another`);
  }
}

async function announce(
  client: TrackerClient,
  who: string,
  announcement: Announcement,
): Promise<readonly GivenPeer[]> {
  const { peers } = await client.announce(announcement);
  if (peers.length !== 1) throw new Error(`${who}: expected exactly one peer, found ${peers.length}`);
  return peers;
}

function expectOnly(peers: readonly GivenPeer[], port: number, who: string): void {
  if (peers[0]?.port !== port) {
    throw new Error(`${who}: expected a peer on port ${port}, found one on ${peers[0]?.port}`);
  }
}

/** Azureus style, so that a tracker that approves by client can be told to let the test pass. */
function randomPeerId(): Buffer {
  return Buffer.concat([Buffer.from('-CH0E2E-'), randomBytes(12)]);
}
