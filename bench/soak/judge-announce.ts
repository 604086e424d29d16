/** Whether the answer to an announce is one that a tracker may give. */

import type { Range, View } from './view.ts';

/** As read from either protocol. */
export interface AnnounceAnswer {
  readonly interval: number;
  readonly complete: number;
  readonly incomplete: number;
  readonly peers: readonly GivenPeer[];
}

export interface GivenPeer {
  /** As a member's; NaN for an address that no client here has. */
  readonly place: number;
  readonly peerId?: string;
}

export interface Announced {
  readonly place: number;
  /** As its request says, not as it was before. */
  readonly seeder: boolean;
  /** Peers that it is to be given; 0 for one that leaves. */
  readonly numwant: number;
}

/** What is wrong with it, and the details; `undefined` if nothing is. */
export type Fault = readonly [kind: string, detail: string];

export function judgeAnnounce(
  view: View,
  announced: Announced,
  answer: AnnounceAnswer,
  now: number,
): Fault | undefined {
  const { seeders, leechers } = view.bounds(now);
  const { peers } = answer;
  const { place, seeder, numwant } = announced;
  const alone = numwant > 0 && peers.length === 1 && peers[0]?.place === place;
  const others = othersOf(view, seeder, seeders, leechers);

  if (alone && others.least > 0) return ['an announcer is given itself', `others: ${say(others)}`];
  const wanted = { least: Math.min(numwant, others.least), most: Math.min(numwant, others.most) };
  if (!alone && (!isIn(peers.length, wanted) || (numwant > 0 && peers.length === 0)))
    return ['a wrong number of peers', `${peers.length}, expected ${say(wanted)}`];
  if (!alone) {
    const fault = judgePeers(view, announced, peers);
    if (fault) return fault;
  }

  // Who is alone is counted, too, unless it is counted already.
  const introduced = alone ? introduction(view, now) : { least: 0, most: 0 };
  const complete = seeder ? add(seeders, introduced) : seeders;
  const incomplete = seeder ? leechers : add(leechers, introduced);
  if (!isIn(answer.complete, complete))
    return ['wrong seeders in an announce', `${answer.complete}, expected ${say(complete)}`];
  if (!isIn(answer.incomplete, incomplete))
    return ['wrong leechers in an announce', `${answer.incomplete}, expected ${say(incomplete)}`];
  return undefined;
}

/** How many there are that the announcer may be given. */
function othersOf({ known }: View, seeder: boolean, seeders: Range, leechers: Range): Range {
  const all = seeder ? leechers : add(seeders, leechers);
  if (!known || (seeder && known.seeder)) return all;
  return { least: all.least - (known.sure ? 1 : 0), most: all.most - 1 };
}

function introduction(view: View, now: number): Range {
  const { known } = view;
  if (!known) return { least: 1, most: 1 };
  return { least: 0, most: known.sure && !view.hasAged(now) ? 0 : 1 };
}

function judgePeers(
  { swarm, at }: View,
  { place, seeder }: Announced,
  peers: readonly GivenPeer[],
): Fault | undefined {
  const places = new Set<number>();
  for (const peer of peers) {
    if (peer.place === place) return ['an announcer is given itself among others', `${place}`];
    if (places.has(peer.place)) return ['a peer is given twice', `${peer.place}`];
    places.add(peer.place);
    const member = swarm.members.get(peer.place);
    if (!member) {
      // It may have left between the request and the answer.
      if ((swarm.departed.get(peer.place) ?? 0) >= at) continue;
      return ['a peer is given that is not in the swarm', `${peer.place}`];
    }
    if (peer.peerId !== undefined && peer.peerId !== member.peerId)
      return ['a peer is given with a wrong id', `${peer.peerId}, expected ${member.peerId}`];
    if (seeder && member.seeder && !member.underWay && member.settledAt < at)
      return ['a seeder is given a seeder', `${peer.place}`];
  }
  return undefined;
}

function add(a: Range, b: Range): Range {
  return { least: a.least + b.least, most: a.most + b.most };
}

export function isIn(value: number, { least, most }: Range): boolean {
  return value >= least && value <= most;
}

export function say({ least, most }: Range): string {
  return least === most ? `${least}` : `${least} to ${most}`;
}
