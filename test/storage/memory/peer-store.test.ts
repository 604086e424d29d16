import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { describePeerStore } from '../../conformance/peer-store.ts';
import { NaivePeerStore } from '../../support/naive-peer-store.ts';

describePeerStore('memory', (clock) => new MemoryPeerStore(1024, clock));
describePeerStore('memory in one shard', (clock) => new MemoryPeerStore(1, clock));
describePeerStore('the naive oracle', (clock) => new NaivePeerStore(clock));
