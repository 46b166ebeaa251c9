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

/** Enough for one request to a collector, and short for a stop. */
export const DEFAULT_FLUSH_TIMEOUT_MS = 3_000;

/** The tracer provider, and the relation of the spans. */
export interface TelemetryOptions {
  /** @default the one registered for the process, even later */
  readonly tracerProvider?: TracerProvider;
  /** Relation of a handler's span to its event's span. @default "child" */
  readonly relation?: Relation;
  /** Milliseconds that `stop` waits for the SDK's export. @default DEFAULT_FLUSH_TIMEOUT_MS */
  readonly flushTimeoutMs?: number;
  readonly runtime?: Runtime;
}

/**
 * Spans for all principals and agents of this process from `start` to `stop`; one instance is
 * enough. `stop` ends open spans and has the SDK export.
 *
 * Events published meanwhile carry their span's context, on disk too (CloudEvents Distributed
 * Tracing extension), unless they have one or are at their limits.
 */
export type Telemetry = DisposableLifecycle;

/** OpenTelemetry for this process, without an SDK: no tracer provider, no spans. */
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
