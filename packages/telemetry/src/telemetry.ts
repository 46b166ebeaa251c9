import { SpanKind, trace, type Tracer, type TracerProvider } from "@opentelemetry/api";
import { startedTwice } from "@hawser/protocol";
import { systemRuntime, type DisposableLifecycle, type Runtime } from "@hawser/runtime";
import { ATTRIBUTES, type Direction } from "./attributes.js";
import type { DrainMessage, HandleMessage, PublishMessage, ResourceMessage } from "./channel-messages.js";
import { handleSpans, type Relation } from "./consuming.js";
import { OperationSpans } from "./operation-spans.js";
import { publishSpans, resourceSpans } from "./producing.js";
import { flush } from "./tracer-provider.js";
import { VERSION } from "./version.js";

/** Long enough for one request to a collector, short enough for whoever stops a process. */
export const DEFAULT_FLUSH_TIMEOUT_MS = 3_000;

/** Where the spans go, and how they hang together. */
export interface TelemetryOptions {
  /** @default the one that is registered for the process, also later on */
  readonly tracerProvider?: TracerProvider;
  /** How a handler's span hangs together with the span that made its event. @default "child" */
  readonly relation?: Relation;
  /** How long `stop` waits for the SDK to export what it holds, in milliseconds. @default DEFAULT_FLUSH_TIMEOUT_MS (3 s) */
  readonly flushTimeoutMs?: number;
  readonly runtime?: Runtime;
}

/**
 * Spans for every principal and every agent of this process, from `start` to `stop`, by their tracing channels; one of it is enough. `stop` ends the spans of what is under
 * way and has the SDK export what it holds.
 *
 * What an agent or a principal publishes while it is started carries the context of its span, on disk with the event (CloudEvents Distributed Tracing extension), unless the
 * event has one already or is at its limits.
 */
export type Telemetry = DisposableLifecycle;

/** OpenTelemetry for the principals and agents of this process. It has no SDK: without a tracer provider there are no spans. */
export function createTelemetry(options: TelemetryOptions = {}): Telemetry {
  const { tracerProvider = trace.getTracerProvider(), relation = "child" } = options;
  const { flushTimeoutMs = DEFAULT_FLUSH_TIMEOUT_MS, runtime = systemRuntime() } = options;
  const tracer = tracerProvider.getTracer("@hawser/telemetry", VERSION);
  const channels = operationSpans(tracer, relation);
  let started = false;

  async function stop(): Promise<void> {
    if (!started) return;
    started = false;
    for (const channel of channels) channel.unsubscribe();
    await flush(tracerProvider, runtime.timers, flushTimeoutMs);
  }

  return {
    async start() {
      if (started) throw startedTwice("this telemetry");
      started = true;
      for (const channel of channels) channel.subscribe();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The spans of every operation of a principal and of an agent that has a tracing channel. */
function operationSpans(
  tracer: Tracer,
  relation: Relation,
): readonly Pick<OperationSpans<object>, "subscribe" | "unsubscribe">[] {
  const principal = { direction: "down", atAgent: false } as const;
  const agent = { direction: "up", atAgent: true } as const;
  const publish = (side: "principal" | "agent", name: string) =>
    new OperationSpans<PublishMessage>(
      `hawser.${side}.${name}`,
      publishSpans(tracer, { ...(side === "agent" ? agent : principal), name }),
    );
  const resource = (name: string) =>
    new OperationSpans<ResourceMessage>(
      `hawser.principal.${name}`,
      resourceSpans(tracer, { ...principal, name }),
    );
  // A handler consumes what the other side sent, so the direction is that of its peer.
  const handle = (side: "principal" | "agent", direction: Direction) =>
    new OperationSpans<HandleMessage>(
      `hawser.${side}.handle`,
      handleSpans(tracer, { direction, atAgent: side === "agent" }, relation),
    );
  return [
    publish("principal", "publish"),
    resource("put"),
    resource("delete"),
    handle("principal", "up"),
    new OperationSpans<DrainMessage>("hawser.principal.drain", {
      begin: ({ shape, reason }) =>
        tracer.startSpan("drain", {
          kind: SpanKind.INTERNAL,
          attributes: { [ATTRIBUTES.drainShape]: shape, [ATTRIBUTES.drainReason]: reason },
        }),
    }),
    publish("agent", "publish"),
    publish("agent", "report"),
    handle("agent", "down"),
  ];
}
