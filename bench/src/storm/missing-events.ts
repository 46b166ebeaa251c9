import { pause, systemClock, systemTimers } from "@hawser/runtime";
import type { EventPublisher } from "./event-publisher.js";
import type { Taken } from "./storm-commands.js";
import type { StormWorld } from "./storm-world.js";

/** Nothing has come in for so long: nothing more will. */
const QUIET_MS = 5_000;
const POLL_MS = 200;

/** Waits for what was taken and has not arrived, for as long as any of it may still arrive; answers how the rest had been taken. */
export async function missingEvents(
  world: StormWorld,
  publisher: EventPublisher,
  deadlineMs: number,
): Promise<readonly Taken[]> {
  const deadline = systemClock.now() + deadlineMs;
  let arrivals = 0;
  let lastArrival = systemClock.now();
  for (;;) {
    const arrived = new Set((await world.reports()).flatMap(({ applied }) => applied));
    const missing = [...publisher.taken].flatMap(([n, taken]) => (arrived.has(n) ? [] : [taken]));
    if (arrived.size > arrivals) lastArrival = systemClock.now();
    arrivals = arrived.size;
    // What is on disk arrives once its agent is back, however late: it is only lost when the time is over.
    const quiet = systemClock.now() - lastArrival > QUIET_MS && !missing.includes("kept");
    if (missing.length === 0 || quiet || systemClock.now() > deadline) return missing;
    await pause(systemTimers, POLL_MS);
  }
}
