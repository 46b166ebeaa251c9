import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { tracingChannel } from "node:diagnostics_channel";
import { createDeliveryStream, type HandleTrace, type PrincipalEventHandler } from "@hawser/agent";
import { HawserError, type EventDraft } from "@hawser/protocol";
import { traced } from "@hawser/runtime";
import { createMemoryDisk } from "@hawser/store";
import { beforeEach, describe, expect, it } from "vitest";
import { traceLogFields } from "./index.js";
import { command, TracedWorld } from "./testing/traced-world.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let world: TracedWorld;

beforeEach(() => {
  world = new TracedWorld();
});

/** Has an agent's handler run on an event, right here. */
function handled(event: EventDraft): Promise<unknown> {
  const channel = tracingChannel<unknown, HandleTrace>("hawser.agent.handle");
  const message = { agent: "one", event: { ...event, eventid: "1" }, attempt: 1 };
  return traced(
    channel,
    () => message,
    async () => ({ kind: "applied" }),
  );
}

/** The span the code that asks runs in. */
function here(): string | undefined {
  return trace.getActiveSpan()?.spanContext().spanId;
}

describe("a handler", () => {
  it("runs in a span below the one that made its event, active over awaits", async () => {
    await world.telemetry();
    const { principal } = await world.principal();
    const active: unknown[] = [];
    await world.agent({
      onEvent: async () => {
        active.push(here());
        await Promise.resolve();
        active.push(here(), traceLogFields());
      },
    });
    await world.settled(principal.publish("one", command("1", { subject: "job" })));
    await world.until(() => world.spans.length === 2);
    const [publish, handled] = world.spans;
    const creator = { traceId: publish?.spanContext().traceId, spanId: publish?.spanContext().spanId };
    expect(handled).toMatchObject({
      name: "process agents/{agent}",
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: { ...creator, isRemote: true },
      links: [{ context: creator }],
    });
    expect(handled?.attributes).toEqual({
      "messaging.system": "hawser",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": "agents/one",
      "messaging.destination.template": "agents/{agent}",
      "messaging.client.id": "one",
      "messaging.message.id": "1",
      "messaging.hawser.agent": "one",
      "messaging.hawser.message.resourceid": "job_u1",
      "messaging.hawser.message.eventid": "1",
      "messaging.hawser.message.delivery_attempt": 1,
      "messaging.hawser.outcome": "applied",
      "cloudevents.event_id": "1",
      "cloudevents.event_source": "/test",
      "cloudevents.event_spec_version": "1.0",
      "cloudevents.event_subject": "job",
      "cloudevents.event_type": "test.command",
    });
    const { traceId, spanId } = handled?.spanContext() ?? {};
    expect(active).toEqual([spanId, spanId, { trace_id: traceId, span_id: spanId }]);
    expect(traceLogFields()).toEqual({});
  });

  it("is linked only, in a trace of its own, where that is wanted", async () => {
    await world.telemetry({ relation: "link" });
    const { principal } = await world.principal();
    await world.agent({ onEvent: () => {} });
    await world.settled(principal.publish("one", command("1")));
    await world.until(() => world.spans.length === 2);
    const [publish, handled] = world.spans;
    expect(handled?.parentSpanContext).toBeUndefined();
    expect(handled?.spanContext().traceId).not.toBe(publish?.spanContext().traceId);
    expect(handled?.links).toMatchObject([{ context: { spanId: publish?.spanContext().spanId } }]);
  });

  it("links to the connection that its event came by, and is below it only where the event has no trace", async () => {
    await world.telemetry();
    const connection = world.provider.getTracer("transport").startSpan("stream");
    const active = trace.setSpan(context.active(), connection);
    await context.with(active, () => handled(command("1")));
    await context.with(active, () => handled(command("2", { traceparent: TRACEPARENT })));
    connection.end();
    // It is left behind by what was opened in it, a socket for instance, and is no place to be in any more.
    await context.with(active, () => handled(command("3")));
    await context.with(active, () => handled(command("4", { traceparent: TRACEPARENT })));
    const [without, within, behind, alone] = world.named("process agents/{agent}");
    const stream = { spanId: connection.spanContext().spanId };
    const creator = { traceId: TRACEPARENT.slice(3, 35), spanId: "b7ad6b7169203331" };
    expect(without).toMatchObject({ parentSpanContext: stream, links: [] });
    const links = [{ context: creator }, { context: stream }];
    expect(within).toMatchObject({ parentSpanContext: creator, links });
    expect(behind).toMatchObject({ parentSpanContext: undefined, links: [] });
    expect(alone).toMatchObject({ parentSpanContext: creator, links: [{ context: creator }] });
  });

  it("has a span for each attempt, and says what became of it", async () => {
    await world.telemetry();
    const { principal } = await world.principal();
    const failures = [new TypeError("no such thing"), new HawserError("handler_failed", "not yet")];
    const refusal = new HawserError("handler_rejected", "never");
    await world.agent({
      onEvent: ({ event }) => {
        if (event.id === "refused") throw refusal;
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
      },
    });
    await world.settled(principal.publish("one", command("1")));
    await world.until(() => world.named("process agents/{agent}").length === 3);
    await world.settled(principal.publish("one", command("refused")));
    await world.until(() => world.named("process agents/{agent}").length === 4);
    const spans = world.named("process agents/{agent}");
    const [publish] = world.named("publish agents/{agent}");
    expect(
      spans.map(({ attributes, status, events }) => [
        attributes["messaging.hawser.message.delivery_attempt"],
        attributes["messaging.hawser.outcome"],
        attributes["error.type"],
        status,
        events.map(({ name }) => name),
      ]),
    ).toEqual([
      [1, "retry", "TypeError", { code: SpanStatusCode.ERROR, message: "no such thing" }, ["exception"]],
      [2, "retry", "handler_failed", { code: SpanStatusCode.ERROR, message: "not yet" }, ["exception"]],
      [3, "applied", undefined, { code: SpanStatusCode.UNSET }, []],
      [1, "rejected", "handler_rejected", { code: SpanStatusCode.ERROR, message: "never" }, ["exception"]],
    ]);
    const parents = spans.slice(0, 3).map(({ parentSpanContext }) => parentSpanContext?.spanId);
    expect(new Set(parents)).toEqual(new Set([publish?.spanContext().spanId]));
  });

  it("goes on with the trace after the principal died and its store was opened again", async () => {
    await world.telemetry();
    const disk = createMemoryDisk();
    const { principal, store } = await world.principal({}, disk);
    await world.settled(principal.resources.put("one", "Task", "t", { n: 1 }));
    await world.settled(principal.stop());
    await world.settled(store.stop());
    await world.principal({}, disk);
    await world.agent({
      handlers: { Task: { apply: async () => ({ done: true }), delete: async () => {} } },
    });
    await world.until(() => world.named("process principal").length === 1);
    const chain = [
      "put agents/{agent}",
      "process agents/{agent}",
      "report principal",
      "process principal",
    ].map((name) => world.named(name)[0]);
    expect(new Set(chain.map((span) => span?.spanContext().traceId)).size).toBe(1);
    expect(chain.slice(1).map((span) => span?.parentSpanContext?.spanId)).toEqual(
      chain.slice(0, -1).map((span) => span?.spanContext().spanId),
    );
    const [, , reported, applied] = chain;
    expect(reported).toMatchObject({
      kind: SpanKind.PRODUCER,
      attributes: { "messaging.operation.name": "report", "cloudevents.event_subject": "Task/t" },
    });
    expect(applied).toMatchObject({
      kind: SpanKind.CONSUMER,
      attributes: { "messaging.hawser.agent": "one", "messaging.hawser.outcome": "applied" },
    });
  });

  it("of the principal has one as well", async () => {
    await world.telemetry();
    await world.principal({ onEvent: () => {} });
    const agent = await world.agent();
    await world.settled(agent.publish(command("up")));
    await world.until(() => world.spans.length === 2);
    const [publish, handled] = world.spans;
    expect(handled).toMatchObject({ name: "process principal", kind: SpanKind.CONSUMER });
    expect(handled?.parentSpanContext?.spanId).toBe(publish?.spanContext().spanId);
    expect(handled?.attributes).not.toHaveProperty("messaging.client.id");
  });
});

describe("a loop over deliveries", () => {
  it("runs what belongs to an event in the span of that event", async () => {
    await world.telemetry();
    const { principal } = await world.principal();
    const events = createDeliveryStream<Parameters<PrincipalEventHandler>[0]>();
    await world.agent({ onEvent: events.handler });
    for (const id of ["1", "2"]) await world.settled(principal.publish("one", command(id)));
    const seen: unknown[] = [];
    await world.settled(
      (async () => {
        for await (const { event, run } of events) {
          await run(async () => {
            await Promise.resolve();
            seen.push([event.id, here()]);
          });
          seen.push(here());
          if (event.id === "2") events.close();
        }
      })(),
    );
    await world.until(() => world.named("process agents/{agent}").length === 2);
    const [first, second] = world.named("process agents/{agent}").map((span) => span.spanContext().spanId);
    expect(seen).toEqual([["1", first], undefined, ["2", second], undefined]);
    const [published] = world.named("publish agents/{agent}");
    expect(world.named("process agents/{agent}")[0]?.parentSpanContext?.spanId).toBe(
      published?.spanContext().spanId,
    );
  });
});
