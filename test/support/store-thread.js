/**
 * A thread that works on a shared memory store: random calls on peers of its own, in swarms that all threads
 * have in common. At the end it tells what its peers must have become, and what was refused. JavaScript, and of the
 * compiled store: Node 20 starts no thread from TypeScript.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { AnnounceResponse } from '../../build/bittorrent/announce.js';
import { Infohash } from '../../build/bittorrent/infohash.js';
import { Peer } from '../../build/bittorrent/peer.js';
import { PeerList } from '../../build/bittorrent/peer-list.js';
import { memoryDriver } from '../../build/storage/memory/driver.js';

const { invitation, thread, seed, calls, swarms, peers, most, gate } = workerData;

let state = seed | 1;
function random(bound) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % bound;
}

export function infohashOf(swarm) {
  const infohash = new Infohash();
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(swarm, 4);
  infohash.set(bytes, 0);
  return infohash;
}

/** Peer `n` of a thread: its address is 10.thread.n. */
export function peerOf(owner, n, peer = new Peer()) {
  const bytes = Buffer.alloc(20, owner);
  bytes.writeUInt32BE(n, 8);
  peer.setId(bytes, 0);
  peer.setAddress(Uint8Array.of(10, owner, n >> 8, n & 255), 0, 4);
  peer.port = 1000 + owner;
  return peer;
}

function work(store) {
  const infohashes = Array.from({ length: swarms }, (_, i) => infohashOf(i));
  const response = new AnnounceResponse(new PeerList(60));
  const peer = new Peer();
  /** By swarm: peer number to `seeder` or `leecher`, and those whose snatch is counted. */
  const expected = Array.from({ length: swarms }, () => new Map());
  const snatched = Array.from({ length: swarms }, () => new Set());
  const snatches = Array.from({ length: swarms }, () => 0);
  let refused = 0;
  const faults = [];
  for (let i = 0; i < calls; i++) {
    // The first swarm gets half of everything, so that it grows large.
    const swarm = random(2) === 0 ? 0 : random(swarms);
    const infohash = infohashes[swarm];
    const mine = expected[swarm];
    const n = random(peers);
    peerOf(thread, n, peer);
    // Only its own calls make a peer of its own a member.
    const note = (side) => {
      const isIn = mine.has(n) || store.announcePeers(infohash, peer, true, 0, response);
      if (isIn) mine.set(n, side);
      else refused++;
      return isIn;
    };
    // Now and then another thread gets ahead.
    if (random(64) === 0) Atomics.wait(gate, 1, 0, random(10) / 100);
    switch (random(8)) {
      case 0:
        store.putSeeder(infohash, peer);
        note('seeder');
        break;
      case 1:
      case 2:
      case 3:
        store.putLeecher(infohash, peer);
        note('leecher');
        break;
      case 4:
        store.graduateLeecher(infohash, peer);
        if (note('seeder') && !snatched[swarm].has(n)) {
          snatched[swarm].add(n);
          snatches[swarm]++;
        }
        break;
      case 5: {
        const side = mine.get(n);
        const deleted = [store.deleteSeeder(infohash, peer), store.deleteLeecher(infohash, peer)].map(
          (r) => !r,
        );
        if (deleted[0] !== (side === 'seeder') || deleted[1] !== (side === 'leecher')) {
          faults.push(`deleting ${n}, a ${side}, from ${swarm} gave ${deleted}`);
        }
        mine.delete(n);
        snatched[swarm].delete(n);
        break;
      }
      default: {
        response.reset(4);
        const member = store.announcePeers(infohash, peer, random(2) === 0, 50, response);
        if (member !== mine.has(n)) faults.push(`${n} in ${swarm}: member ${member}`);
        if (response.complete + response.incomplete > most) faults.push(`more than ${most} in ${swarm}`);
        const given = new Set();
        for (const { address, port } of response.peers) {
          if (given.has(address)) faults.push(`was given ${address} twice`);
          given.add(address);
          const [ten, owner] = address.split('.').map(Number);
          if (ten !== 10 || port !== 1000 + owner) faults.push(`was given ${address}:${port}`);
          if (address === peer.address) faults.push(`${address} was given itself`);
        }
      }
    }
    if (faults.length > 10) break;
  }
  return { faults, expected, snatches, refused };
}

if (parentPort) {
  const guest = memoryDriver.join(invitation);
  parentPort.postMessage('joined');
  parentPort.once('message', ({ admission }) => {
    const store = guest.open(admission, thread, { clock: { now: () => Date.now() } });
    parentPort.postMessage('working');
    Atomics.wait(gate, 0, 0);
    const outcome = work(store);
    parentPort.postMessage(outcome);
    store.stop();
  });
}
