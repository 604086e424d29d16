/** Times in the store: whole seconds since 2020-01-01, which 31 bits hold until 2088. */

/** That day in seconds since 1970. */
export const EPOCH = 1_577_836_800;

/** @param milliseconds since 1970 */
export function toSecond(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) - EPOCH;
}
