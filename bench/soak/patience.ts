/**
 * How long an answer is waited for. It is counted in turns of this process's own event loop: where the machine has no time for
 * the load, its time does not run, and what has come meanwhile is read first.
 */

/** Milliseconds. */
export const PATIENCE = 10_000;

const TURN = 500;
export const TURNS = PATIENCE / TURN;

/** Calls `expired` once, unless what is returned is called before. */
export function beginPatience(expired: () => void): () => void {
  let turns = 0;
  const timer = setInterval(() => {
    if (++turns < TURNS) return;
    clearInterval(timer);
    expired();
  }, TURN);
  return () => clearInterval(timer);
}

/** Calls `turn` every turn. */
export function everyTurn(turn: () => void): NodeJS.Timeout {
  return setInterval(turn, TURN);
}
