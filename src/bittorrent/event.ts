/** The `event` of an announce (BEP 3). The numbers are those of BEP 15. */

export const AnnounceEvent = { None: 0, Completed: 1, Started: 2, Stopped: 3 } as const;

export type AnnounceEvent = (typeof AnnounceEvent)[keyof typeof AnnounceEvent];

const NAMES = new Map<string, AnnounceEvent>([
  ['', AnnounceEvent.None],
  ['none', AnnounceEvent.None],
  ['empty', AnnounceEvent.None],
  // BEP 21: a partial seed that takes no more pieces. It stays the leecher it is.
  ['paused', AnnounceEvent.None],
  ['started', AnnounceEvent.Started],
  ['stopped', AnnounceEvent.Stopped],
  ['completed', AnnounceEvent.Completed],
]);

/** The event of that name, compared without case; `undefined` for an unknown name. */
export function parseEvent(name: string): AnnounceEvent | undefined {
  return NAMES.get(name) ?? NAMES.get(name.toLowerCase());
}

/** `none`, `completed`, `started` or `stopped`. */
export function eventName(event: AnnounceEvent): 'none' | 'completed' | 'started' | 'stopped' {
  return (['none', 'completed', 'started', 'stopped'] as const)[event];
}
