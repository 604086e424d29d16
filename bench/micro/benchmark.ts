/** A piece of work that is timed by itself. */

export interface Benchmark {
  /** Those of one name are shown together. */
  readonly group: string;
  readonly name: string;
  /** Makes everything that is not to be timed. */
  prepare(): Prepared;
}

export interface Prepared {
  /** What is timed. */
  run(): unknown;
  /** Throws unless the last `run` has done what it should: what is fast and wrong is not fast. */
  check(): void;
}
