import type { TracingChannel } from "node:diagnostics_channel";

/** Additions of a subscriber to an operation's message, made at `start`. */
export interface TraceScope {
  /** Runs the operation, for example inside an async context of the subscriber. */
  around?: <T>(work: () => T) => T;
}

/**
 * Runs one operation in its tracing channel, with `context` as the message of `start`, `end`,
 * `asyncStart`, `asyncEnd` and `error` (Node adds `result` or `error`). `work` gets the message
 * with the subscribers' additions. Without subscribers it costs one comparison.
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
