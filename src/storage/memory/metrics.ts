/** What the memory store counts of its own. */

import type { MetricRegistry } from '../../pkg/metrics.ts';
import type { MemoryPeerStore } from './peer-store.ts';

export function registerStoreMetrics(store: MemoryPeerStore, registry: MetricRegistry): void {
  registry.register({
    name: 'chihaya_storage_snatches_total',
    help: 'Completed downloads, each peer of a swarm counted once',
    type: 'counter',
    collect: () => [{ labels: {}, value: store.snatches }],
  });
  registry.register({
    name: 'chihaya_storage_used_bytes',
    help: 'Memory that the records of swarms and peers take',
    type: 'gauge',
    collect: () => [{ labels: {}, value: store.recordBytes }],
  });
  for (const metric of store.collections.metrics) registry.register(metric);
}
