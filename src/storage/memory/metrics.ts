/** What the memory store counts of its own. */

import { type MetricRegistry, single } from '../../pkg/metrics.ts';
import type { MemoryPeerStore } from './peer-store.ts';

export function registerStoreMetrics(store: MemoryPeerStore, registry: MetricRegistry): void {
  const snatches = 'Completed downloads, each peer of a swarm counted once';
  const used = 'Memory that the records of swarms and peers take';
  const reserved = 'Memory that the store has reserved for swarms and peers, in use or not';
  for (const metric of [
    single('chihaya_storage_snatches_total', 'counter', snatches, () => store.snatches),
    single('chihaya_storage_used_bytes', 'gauge', used, () => store.recordBytes),
    single('chihaya_storage_reserved_bytes', 'gauge', reserved, () => store.byteLength),
    ...store.collections.metrics,
  ]) {
    registry.register(metric);
  }
  registry.register({
    name: 'chihaya_storage_refused_total',
    help: 'Announces that were answered but not stored because of a limit',
    type: 'counter',
    collect: () => store.refused(),
  });
}
