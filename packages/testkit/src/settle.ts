import { systemTimers } from "@hawser/runtime";

/** After this many steps the real event loop gets a turn, so that a long simulation does not starve the process it runs in. */
const STEPS_PER_TURN = 1024;

/**
 * Answers a function that resolves once every promise job that is ready has run, and every one that those made ready.
 *
 * Node.js runs `process.nextTick` callbacks only when the queue of promise jobs is empty, so one hop settles chains of `await` of any
 * length, in well under a microsecond and without the event loop. What needs real I/O does not settle: under virtual time nothing should.
 */
export function createSettle(): () => Promise<void> {
  let steps = 0;
  return () => {
    steps += 1;
    if (steps % STEPS_PER_TURN === 0) return new Promise((resolve) => systemTimers.soon(resolve));
    return new Promise((resolve) => process.nextTick(resolve));
  };
}
