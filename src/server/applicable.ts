/** What of a configuration can take effect while a tracker runs with another. */

import { isDeepStrictEqual } from 'node:util';
import { type Chosen, type Component, optionsOf } from '../config/component.ts';
import { isMapping } from '../config/parse.ts';
import type { TrackerConfig } from './tracker-parts.ts';

export interface Applicable {
  /** As wanted, but for what is kept of the one in force. */
  readonly config: TrackerConfig;
  /** A line for each option that is kept though another value is wanted. */
  readonly kept: readonly string[];
}

export function applicable(inForce: TrackerConfig, wanted: TrackerConfig): Applicable {
  const kept: string[] = [];
  const keep = (option: string, shown: unknown) =>
    kept.push(`${option} cannot change while the tracker runs: ${shown} stays until the next start`);

  if (inForce.workers !== wanted.workers) keep('workers', inForce.workers);
  if (inForce.pprof !== wanted.pprof) keep('pprof', inForce.pprof);
  const config = {
    ...wanted,
    workers: inForce.workers,
    pprof: inForce.pprof,
    shown: { ...wanted.shown, workers: inForce.shown.workers, pprof: inForce.shown.pprof },
    frontends: wanted.frontends.map((chosen) => {
      const before = inForce.frontends.find(({ component }) => component.name === chosen.component.name);
      return before ? merged(before, chosen, chosen.component.name, isFixed, keep) : chosen;
    }),
  };
  return { config: { ...config, ...applicableStorage(inForce, wanted, keep) }, kept };
}

type Keep = (option: string, shown: unknown) => void;
type IsFixed = (option: ReturnType<typeof optionsOf>[number]) => boolean;

const isFixed: IsFixed = ({ info }) => info?.fixed === true;

/** The store's options, and the same as another thread parses them that opens the store later. */
function applicableStorage(
  inForce: TrackerConfig,
  wanted: TrackerConfig,
  keep: Keep,
): Pick<TrackerConfig, 'storage' | 'given'> {
  const before = inForce.storage;
  const { component } = before;
  const same = component === wanted.storage.component;
  if (!same) keep('storage.name', component.name);
  if (!same || !component.tune) {
    if (same) merged(before, wanted.storage, 'storage.config', () => true, keep);
    return { storage: before, given: { ...wanted.given, storage: inForce.given.storage } };
  }
  const config: Record<string, unknown> = { ...blockOf(blockOf(wanted.given.storage).config) };
  for (const { name } of optionsOf(component.options).filter(isFixed)) {
    config[name] = blockOf(blockOf(inForce.given.storage).config)[name];
  }
  return {
    storage: merged(before, wanted.storage, 'storage.config', isFixed, keep),
    given: { ...wanted.given, storage: { ...blockOf(wanted.given.storage), config } },
  };
}

/** The options wanted, but for fixed ones. */
function merged<C extends Component>(
  before: Chosen<C>,
  wanted: Chosen<C>,
  path: string,
  fixed: IsFixed,
  keep: Keep,
): Chosen<C> {
  const options = { ...(wanted.options as Record<string, unknown>) };
  const shown = { ...wanted.shown };
  for (const option of optionsOf(wanted.component.options).filter(fixed)) {
    const { name } = option;
    const value = (before.options as Record<string, unknown>)[name];
    if (!isDeepStrictEqual(value, options[name])) keep(`${path}.${name}`, before.shown[name]);
    options[name] = value;
    shown[name] = before.shown[name];
  }
  return { ...wanted, options, shown };
}

function blockOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : {};
}
