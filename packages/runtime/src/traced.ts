import type { TracingChannel } from "node:diagnostics_channel";

/** What a subscriber may put into the message of an operation while it hears of its `start`. */
export interface TraceScope {
  /** Runs the operation; set by whoever wants something of its own around it, such as an async context that is active as long as it lasts. */
  around?: <T>(work: () => T) => T;
}

/**
 * Runs one operation inside its tracing channel: `start`, `end`, `asyncStart`, `asyncEnd` and `error` are published around it, with `context` as their message
 * (`result` or `error` is added by Node). The work is given that message, as subscribers left it at `start`. Without a subscriber it costs one comparison.
 */
export function traced<Context extends TraceScope, T>(
  channel: TracingChannel<unknown, Context>,
  context: () => NoInfer<Context>,
  work: (trace?: NoInfer<Context>) => Promise<T>,
): Promise<T> {
  if (!channel.hasSubscribers) return work();
  const trace = context();
  const run = (): Promise<T> => work(trace);
  return channel.tracePromise(() => (trace.around === undefined ? run() : trace.around(run)), trace);
}
