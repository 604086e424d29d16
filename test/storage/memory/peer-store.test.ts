import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { describePeerStore } from '../../conformance/peer-store.ts';
import { NaivePeerStore } from '../../support/naive-peer-store.ts';

describePeerStore('memory', (clock) => MemoryPeerStore.create({ shardCount: 1024, clock: clock }));
describePeerStore('memory that threads share', (clock) =>
  MemoryPeerStore.create({ shardCount: 1024, clock: clock, shared: true }),
);
describePeerStore('memory in one shard', (clock) => MemoryPeerStore.create({ shardCount: 1, clock: clock }));
describePeerStore('the naive oracle', (clock) => new NaivePeerStore(clock));
