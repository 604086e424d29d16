/**
 * The entry of a worker thread: a tracker without a metrics server, over a store that it shares with others.
 * Whatever goes wrong beyond a request ends the thread, and the supervisor starts another.
 */

import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { parse } from '../config/parse.ts';
import type { PreparedChange } from '../frontend/frontend.ts';
import { BoundSockets } from '../pkg/bound-sockets.ts';
import { systemClock } from '../pkg/clock.ts';
import { recordDescriptors } from '../pkg/descriptors.ts';
import { loadLibc } from '../pkg/libc.ts';
import type { PeerStore } from '../storage/storage.ts';
import { builtIn } from './built-in.ts';
import { Closers } from './closers.ts';
import { registerEventLoopMetrics } from './event-loop-metrics.ts';
import { withHookModules } from './hook-modules.ts';
import { MetricSet } from './metric-set.ts';
import { openComponent, tuneStore } from './open-component.ts';
import { Patience } from './patience.ts';
import { PostingLogger } from './posted-log.ts';
import { answerOrder } from './profiles/outcome.ts';
import { ThreadProfiler } from './profiles/thread-profiler.ts';
import { sendError } from './sent-error.ts';
import { type HookSupplies, Serving } from './serving.ts';
import { SharedValue } from './shared-value.ts';
import { SummingRegistry } from './summing-registry.ts';
import { type TrackerConfig, takesProfiles } from './tracker-parts.ts';
import type {
  Admission,
  FromWorker,
  ToWorker,
  WorkerBeginning,
  WorkerConfig,
  WorkerStart,
} from './worker-messages.ts';

const port = parentPort as MessagePort;
const beginning = workerData as WorkerBeginning;
const [start] = (await once(beginning.start, 'message')) as [WorkerStart];
recordDescriptors(start.descriptors);
const logger = new PostingLogger((line) => post({ kind: 'log', line }));
const metrics = new MetricSet();
const closers = new Closers(logger);
const config = await parsed(start.config);
const guest = start.invitation && config.storage.component.join?.(start.invitation.of);
/** By the number of the configuration what its hooks share. */
const shared = new Map<number, readonly SharedValue[]>();
/** The number of the configuration in force. */
let inForce = start.config.number;
let opened: Promise<{ readonly store: PeerStore; readonly serving: Serving }> | undefined;
let change: Promise<{ readonly config: TrackerConfig; readonly prepared: PreparedChange }> | undefined;
let profiler: ThreadProfiler | undefined;

process.on('exit', () => measure(undefined));
port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'admit':
      opened = open(message.admission);
      opened.catch(fail);
      break;
    case 'publish':
      shared.get(message.config)?.[message.hook]?.set(message.value);
      break;
    case 'prepare':
      change = prepare(message.config, supplies(message.config.number, message.shared));
      change.then(
        () => post({ kind: 'prepared' }),
        (error) => post({ kind: 'refused', error: sendError(error) }),
      );
      break;
    case 'commit':
      void commit(message.config);
      break;
    case 'abandon':
      void abandon(message.config);
      break;
    case 'measure':
      measure(message.request);
      break;
    case 'profile':
      void answerOrder(profiler, message.order, message.port);
      break;
    case 'stop':
      void stop(message.timeout);
      break;
    default:
      message satisfies never;
  }
});
post({ kind: 'joined' });

/** As the supervisor has read it, its frontends on the addresses that it has settled. */
async function parsed({ given, directory, frontends: options }: WorkerConfig): Promise<TrackerConfig> {
  const components = await withHookModules(builtIn, given, directory);
  const config = parse(given, components, { locate: () => '', directory });
  const frontends = config.frontends.map((chosen, i) => ({ ...chosen, options: options[i] }));
  return { ...config, frontends };
}

function supplies(config: number, values: readonly unknown[]): HookSupplies {
  const own = values.map(
    (value, hook) => new SharedValue(value, (message) => post({ kind: 'ask', config, hook, message })),
  );
  shared.set(config, own);
  return { shared: own, metrics: new SummingRegistry() };
}

async function open(admission: Admission): Promise<{ store: PeerStore; serving: Serving }> {
  const own = supplies(inForce, admission.shared);
  registerEventLoopMetrics(metrics, start.number, closers);
  if (takesProfiles(config)) profiler = await ThreadProfiler.open();
  const store = await openStore(admission.store);
  closers.push(() => store.stop());
  const bound = new BoundSockets(start.bound, await loadLibc());
  const serving = await Serving.open(config, own, { store, logger, metrics, reusePort: true, bound });
  closers.push((patience) => serving.stop(patience));
  post({ kind: 'ready', addresses: serving.addresses });
  return { store, serving };
}

async function openStore(admission: unknown): Promise<PeerStore> {
  if (guest) return guest.open(admission, start.thread, { clock: systemClock });
  return openComponent(config.storage, logger, (driver, options, own) =>
    driver.open(options, { logger: own, metrics, clock: systemClock, upkeep: false }),
  );
}

async function prepare(
  wanted: WorkerConfig,
  own: HookSupplies,
): Promise<{ config: TrackerConfig; prepared: PreparedChange }> {
  const config = await parsed(wanted);
  const { serving } = await running();
  return { config, prepared: await serving.prepare(config, own) };
}

async function commit(number: number): Promise<void> {
  const [{ config, prepared }, { store, serving }] = await Promise.all([changing(), running()]);
  const before = inForce;
  inForce = number;
  change = undefined;
  const retired = prepared.commit();
  // A store that the supervisor hosts is its to tune.
  if (!guest) tuneStore(store, config);
  post({ kind: 'committed', addresses: serving.addresses });
  await retired;
  shared.delete(before);
  post({ kind: 'retired', config: before });
}

async function abandon(number: number): Promise<void> {
  const abandoned = change;
  change = undefined;
  // One that was refused has left nothing behind.
  await abandoned?.then(
    ({ prepared }) => prepared.abandon(),
    () => {},
  );
  shared.delete(number);
}

async function fail(error: unknown): Promise<void> {
  post({ kind: 'failed', error: sendError(error) });
  await closers.closeAll();
  process.exit(1);
}

async function stop(timeout: number): Promise<void> {
  await opened?.catch(() => {});
  post({ kind: 'stopping' });
  await closers.closeAll(new Patience(timeout, logger));
  process.exit(0);
}

function measure(request: number | undefined): void {
  post({ kind: 'measured', request, reports: metrics.report() });
}

function running(): NonNullable<typeof opened> {
  if (!opened) throw new Error('the worker has not been admitted');
  return opened;
}

function changing(): NonNullable<typeof change> {
  if (!change) throw new Error('the worker has not been given another configuration');
  return change;
}

function post(message: FromWorker): void {
  port.postMessage(message);
}
