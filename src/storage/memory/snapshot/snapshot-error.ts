/** What is wrong with a snapshot that is not used. The message says what was expected and what was found. */

/** `foreign`: no snapshot at all; `version`: another version's; `damaged`: not as it was written. */
export type Fault = 'foreign' | 'version' | 'damaged';

export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly fault: Fault;

  constructor(fault: Fault, message: string) {
    super(message);
    this.fault = fault;
  }
}
