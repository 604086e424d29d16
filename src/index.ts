/**
 * Chihaya as a library: a BitTorrent tracker inside another program.
 *
 *     const tracker = await createTracker({ udp: { addr: ':6969' } });
 *     // …
 *     await tracker.stop();
 *
 * This is the whole public API; everything else may change at any time.
 */

/** What schemas of options are made with: the tracker's own, so that a hook needs no package but this one. */
export { z } from 'zod';
export { AddressFamily } from './bittorrent/address-family.ts';
export { AnnounceRequest, AnnounceResponse } from './bittorrent/announce.ts';
export { ClientError, type ClientErrorOptions, type RetryIn } from './bittorrent/client-error.ts';
export { ContextKey, RequestContext } from './bittorrent/context.ts';
export { AnnounceEvent } from './bittorrent/event.ts';
export type { HeaderFields } from './bittorrent/header-fields.ts';
export { Infohash } from './bittorrent/infohash.ts';
export type { Params } from './bittorrent/params.ts';
export { Peer } from './bittorrent/peer.ts';
export { type PeerEntry, PeerList } from './bittorrent/peer-list.ts';
export { MAX_LEVELS, type PeerPreference } from './bittorrent/peer-preference.ts';
export { ScrapeRequest, ScrapeResponse, SwarmCounts } from './bittorrent/scrape.ts';
export type { TrackerLogic } from './bittorrent/tracker-logic.ts';
export { ConfigError } from './config/problem.ts';
export type { BoundAddress, Frontend, FrontendDependencies } from './frontend/frontend.ts';
export {
  defineHook,
  type Hook,
  type HookDependencies,
  type HookDriver,
  type Shared,
  type SharedSource,
  type SourceDependencies,
} from './middleware/middleware.ts';
export type { Clock } from './pkg/clock.ts';
export type { Logger } from './pkg/logger.ts';
export type { MaybePromise } from './pkg/maybe-promise.ts';
export type { Metric, MetricRegistry, Sample } from './pkg/metrics.ts';
export { duration, secret } from './pkg/options.ts';
export {
  createTracker,
  type Embedding,
  type HookOptions,
  reloadTracker,
  type TrackerOptions,
} from './server/create-tracker.ts';
export type { Tracker } from './server/tracker.ts';
export { defineStorageDriver, type StorageDependencies, type StorageDriver } from './storage/driver.ts';
export {
  type DeleteResult,
  type PeerStore,
  resourceDoesNotExist,
  type StoreTotals,
} from './storage/storage.ts';
