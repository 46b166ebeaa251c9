import type { TracingChannel } from "node:diagnostics_channel";

/**
 * Runs one operation inside its tracing channel: `start`, `end`, `asyncStart`, `asyncEnd` and `error` are published around it, with `context` as their message
 * (`result` or `error` is added by Node). Without a subscriber it costs one comparison.
 */
export function traced<Context extends object, T>(
  channel: TracingChannel<unknown, Context>,
  context: () => Context,
  work: () => Promise<T>,
): Promise<T> {
  return channel.hasSubscribers ? channel.tracePromise(work, context()) : work();
}
