/**
 * The entry of a worker thread: a tracker without a metrics server, over a store that it shares with others.
 * Whatever goes wrong beyond a request ends the thread, and the supervisor starts another.
 */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { parse } from '../config/parse.ts';
import { systemClock } from '../pkg/clock.ts';
import type { PeerStore } from '../storage/storage.ts';
import { builtIn } from './built-in.ts';
import { Closers } from './closers.ts';
import { HookMetrics } from './hook-metrics.ts';
import { withHookModules } from './hook-modules.ts';
import { MetricSet } from './metric-set.ts';
import { openComponent } from './open-component.ts';
import { openFrontends } from './open-frontends.ts';
import { openLogic } from './open-logic.ts';
import { PostingLogger } from './posted-log.ts';
import { sendError } from './sent-error.ts';
import { SharedValue } from './shared-value.ts';
import type { TrackerConfig } from './tracker-parts.ts';
import type { Admission, FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';

const start = workerData as WorkerStart;
const port = parentPort as MessagePort;
const logger = new PostingLogger((line) => port.postMessage({ kind: 'log', line } satisfies FromWorker));
const metrics = new MetricSet();
const closers = new Closers(logger);
const config = await configuration();
const guest = start.invitation && config.storage.component.join?.(start.invitation.of);
let shared: readonly SharedValue[] = [];
let opened: Promise<void> | undefined;

process.on('exit', () => measure(undefined));
port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'admit':
      opened = open(message.admission).catch(fail);
      break;
    case 'publish':
      shared[message.hook]?.set(message.value);
      break;
    case 'measure':
      measure(message.request);
      break;
    case 'stop':
      void stop();
      break;
    default:
      message satisfies never;
  }
});
port.postMessage({ kind: 'joined' } satisfies FromWorker);

/** As the supervisor has read it, its frontends on the addresses that it has settled. */
async function configuration(): Promise<TrackerConfig> {
  const { given, directory } = start;
  const components = await withHookModules(builtIn, given, directory);
  const parsed = parse(given, components, { locate: () => '', directory });
  const frontends = parsed.frontends.map((chosen, i) => ({ ...chosen, options: start.frontends[i] }));
  return { ...parsed, frontends };
}

async function open(admission: Admission): Promise<void> {
  shared = admission.shared.map(
    (value, hook) =>
      new SharedValue(value, (message) =>
        port.postMessage({ kind: 'ask', hook, message } satisfies FromWorker),
      ),
  );
  const store = await openStore(admission.store);
  closers.push(() => store.stop());
  const hookMetrics = new HookMetrics();
  metrics.include(() => hookMetrics.report());
  const logic = await openLogic(config, store, shared, { logger, metrics: hookMetrics });
  closers.push(() => logic.stop());
  const dependencies = { logger, clock: systemClock, metrics, closers };
  const frontends = await openFrontends(config, logic, true, dependencies);
  port.postMessage({
    kind: 'ready',
    addresses: frontends.flatMap(({ addresses }) => addresses),
    descriptors: frontends.flatMap(({ descriptors }) => descriptors ?? []),
  } satisfies FromWorker);
}

async function openStore(admission: unknown): Promise<PeerStore> {
  if (guest) return guest.open(admission, start.thread, { clock: systemClock });
  return openComponent(config.storage, logger, (driver, options, own) =>
    driver.open(options, { logger: own, metrics, clock: systemClock, upkeep: false }),
  );
}

async function fail(error: unknown): Promise<void> {
  port.postMessage({ kind: 'failed', error: sendError(error) } satisfies FromWorker);
  await closers.closeAll();
  process.exit(1);
}

async function stop(): Promise<void> {
  await opened;
  port.postMessage({ kind: 'stopping' } satisfies FromWorker);
  await closers.closeAll();
  process.exit(0);
}

function measure(request: number | undefined): void {
  port.postMessage({ kind: 'measured', request, reports: metrics.report() } satisfies FromWorker);
}
