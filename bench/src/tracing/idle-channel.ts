import { tracingChannel } from "node:diagnostics_channel";
import { systemClock, traced, type TraceScope } from "@hawser/runtime";

const CALLS = 5_000_000;
const NANOSECONDS = 1_000_000;

/** What `traced` adds to a call when nobody listens, in nanoseconds: the same work with it and without, in turns. */
export function idleChannelNs(rounds: number): readonly number[] {
  const channel = tracingChannel<unknown, TraceScope>("hawser.bench.idle");
  const done = Promise.resolve(0);
  const work = (): Promise<number> => done;
  const context = (): TraceScope => ({});
  const direct = (): Promise<number> => work();
  const throughChannel = (): Promise<number> => traced(channel, context, work);
  const nsPerCall = (call: () => Promise<number>): number => {
    const startedAt = systemClock.now();
    for (let count = 0; count < CALLS; count += 1) void call();
    return ((systemClock.now() - startedAt) * NANOSECONDS) / CALLS;
  };
  nsPerCall(direct);
  nsPerCall(throughChannel);
  return Array.from({ length: rounds }, () => nsPerCall(throughChannel) - nsPerCall(direct));
}
