/** A profile in pprof's format, put together stack by stack. */

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import {
  Function as Callee,
  Label,
  Line,
  Location,
  Mapping,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import type { CallNames } from './call-names.ts';
import { type Call, stackOf } from './cpu-samples.ts';

/** What the numbers of a sample are, such as `cpu` in `nanoseconds`. */
export interface Quantity {
  readonly type: string;
  readonly unit: string;
}

const LABEL = 'thread';

export class PprofBuilder {
  readonly #strings = new StringTable();
  readonly #names: CallNames;
  readonly #locations = new Map<string, Location>();
  readonly #functions = new Map<string, Callee>();
  readonly #samples: Sample[] = [];
  readonly #comments: number[] = [];
  readonly #quantities: readonly Quantity[];

  /** @param quantities of the values of each sample; the last is what is shown first */
  constructor(names: CallNames, quantities: readonly Quantity[]) {
    this.#names = names;
    this.#quantities = quantities;
  }

  /** Adds what was measured with `call` on top of the stack of a thread. */
  add(thread: string, call: Call, values: readonly number[]): void {
    const locationId = stackOf(call).map((each) => this.#location(each));
    const label = [new Label({ key: this.#string(LABEL), str: this.#string(thread) })];
    this.#samples.push(new Sample({ locationId, value: [...values], label }));
  }

  /** A remark that viewers show. */
  comment(text: string): void {
    this.#comments.push(this.#string(text));
  }

  /**
   * Compressed, as pprof has it.
   *
   * @param period between samples, in the unit of the last quantity
   * @param startedAt milliseconds since 1970
   */
  encode(period: number, startedAt: number, milliseconds: number): Promise<Uint8Array> {
    const types = this.#quantities.map(
      ({ type, unit }) => new ValueType({ type: this.#string(type), unit: this.#string(unit) }),
    );
    const program = { id: 1, filename: this.#string('chihaya') };
    const profile = new Profile({
      sampleType: types,
      sample: this.#samples,
      // Without one `go tool pprof` looks for a binary to take names from.
      mapping: [new Mapping({ ...program, hasFunctions: true, hasFilenames: true, hasLineNumbers: true })],
      location: [...this.#locations.values()],
      function: [...this.#functions.values()],
      stringTable: this.#strings,
      timeNanos: BigInt(startedAt) * 1_000_000n,
      durationNanos: Math.round(milliseconds * 1e6),
      period,
      comment: this.#comments,
      ...(types.at(-1) ? { periodType: types.at(-1) as ValueType } : {}),
    });
    return promisify(gzip)(profile.encode());
  }

  #string(text: string): number {
    return this.#strings.dedup(text);
  }

  #location({ frame }: Call): number {
    const key = `${frame.scriptId} ${frame.lineNumber} ${frame.columnNumber} ${frame.functionName} ${frame.url}`;
    let location = this.#locations.get(key);
    if (!location) {
      const { name, file, line } = this.#names.nameOf(frame);
      const id = this.#locations.size + 1;
      location = new Location({
        id,
        mappingId: 1,
        line: [new Line({ functionId: this.#function(name, file, line), line })],
      });
      this.#locations.set(key, location);
    }
    return location.id as number;
  }

  /** Scripts are numbered in each thread anew: one function may have several locations. */
  #function(name: string, file: string, line: number): number {
    const key = `${line} ${name} ${file}`;
    let callee = this.#functions.get(key);
    if (!callee) {
      callee = new Callee({
        id: this.#functions.size + 1,
        name: this.#string(name),
        systemName: this.#string(name),
        filename: this.#string(file),
        startLine: line,
      });
      this.#functions.set(key, callee);
    }
    return callee.id as number;
  }
}
