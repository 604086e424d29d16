/** Reads a profile by pprof-format's decoder, and puts names in place of numbers. */

import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

export interface PprofCall {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

export interface PprofSample {
  readonly thread: string;
  readonly values: readonly number[];
  /** What was on top first. */
  readonly stack: readonly PprofCall[];
}

export interface Pprof {
  /** As in `cpu/nanoseconds`. */
  readonly types: readonly string[];
  readonly period: number;
  readonly timeNanos: bigint;
  readonly durationNanos: number;
  readonly comments: readonly string[];
  readonly samples: readonly PprofSample[];
}

export function readPprof(bytes: Uint8Array): Pprof {
  const profile = Profile.decode(gunzipSync(bytes));
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] as string;
  const functions = new Map(profile.function.map((each) => [Number(each.id), each]));
  const calls = new Map(
    profile.location.map((location) => {
      const [line] = location.line;
      const callee = functions.get(Number(line?.functionId));
      if (!line || !callee) throw new Error(`location ${location.id} has no function`);
      return [
        Number(location.id),
        { name: text(callee.name), file: text(callee.filename), line: Number(line.line) },
      ] as const;
    }),
  );
  return {
    types: profile.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`),
    period: Number(profile.period),
    timeNanos: BigInt(profile.timeNanos),
    durationNanos: Number(profile.durationNanos),
    comments: profile.comment.map(text),
    samples: profile.sample.map(({ locationId, value, label }) => ({
      thread: text(label.find(({ key }) => text(key) === 'thread')?.str ?? 0),
      values: value.map(Number),
      stack: locationId.map((id) => calls.get(Number(id)) as PprofCall),
    })),
  };
}
