import { pause, systemClock, systemTimers } from "@hawser/runtime";
import type { EventLoopLag } from "./storm-commands.js";
import type { StormWorld } from "./storm-world.js";

const POLL_MS = 50;

export interface CameBack {
  /** Agents without a session when the time was over. */
  readonly notBack: number;
  /** Of the server, from its start to the moment the last one came. */
  readonly lag: EventLoopLag;
  /** Unix milliseconds at which all were back, or nobody waited any longer. */
  readonly at: number;
}

/** Resolves when all agents have a session, or when the time is over: that some do not come (back) is a finding. */
export async function comeBack(world: StormWorld, agents: number, deadlineMs: number): Promise<CameBack> {
  const deadline = systemClock.now() + deadlineMs;
  let open = 0;
  let lag = await world.lag();
  for (;;) {
    const now = await world.open();
    // A quiet time afterwards would make the lag look smaller.
    if (now > open) lag = await world.lag();
    open = now;
    if (open === agents || systemClock.now() > deadline)
      return { notBack: agents - open, lag, at: systemClock.wallTime() };
    await pause(systemTimers, POLL_MS);
  }
}
