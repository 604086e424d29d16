import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { describePeerStore } from '../../conformance/peer-store.ts';
import { NaivePeerStore } from '../../support/naive-peer-store.ts';
import { SharedByTurns } from '../../support/shared-by-turns.ts';

const CASES = { ordersUpTo: 16_384 };

describePeerStore('memory', (clock) => MemoryPeerStore.create({ shardCount: 1024, clock: clock }), CASES);
describePeerStore(
  'memory that threads share',
  (clock) => MemoryPeerStore.create({ shardCount: 1024, clock: clock, shared: true }),
  CASES,
);
describePeerStore('memory by turns of two that share it', (clock) => new SharedByTurns(clock), CASES);
describePeerStore(
  'memory in one shard',
  (clock) => MemoryPeerStore.create({ shardCount: 1, clock: clock }),
  CASES,
);
describePeerStore('the naive oracle', (clock) => new NaivePeerStore(clock), {
  ordersUpTo: Number.POSITIVE_INFINITY,
});
