import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AlwaysOffSampler } from "@opentelemetry/sdk-trace-node";
import { LIMITS, traceContextOf } from "@hawser/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { contextOf } from "./index.js";
import { command, TracedWorld } from "./testing/traced-world.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE_ID = TRACEPARENT.slice(3, 35);

let world: TracedWorld;

beforeEach(() => {
  world = new TracedWorld();
});

describe("an event that is published", () => {
  it("has a span, whose context is on disk with it", async () => {
    await world.telemetry();
    const { principal, store } = await world.principal();
    await world.inside("application", () => principal.publish("one", command("1", { subject: "job" })));
    const [publish, application] = world.spans;
    expect(publish).toMatchObject({
      name: "publish agents/{agent}",
      kind: SpanKind.PRODUCER,
      status: { code: SpanStatusCode.UNSET },
      links: [],
      parentSpanContext: { spanId: application?.spanContext().spanId },
    });
    expect(publish?.attributes).toEqual({
      "messaging.system": "hawser",
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.destination.name": "agents/one",
      "messaging.destination.template": "agents/{agent}",
      "messaging.message.id": "1",
      "messaging.hawser.agent": "one",
      "messaging.hawser.message.resourceid": "job_u1",
      "messaging.hawser.message.eventid": "1",
      "cloudevents.event_id": "1",
      "cloudevents.event_source": "/test",
      "cloudevents.event_spec_version": "1.0",
      "cloudevents.event_subject": "job",
      "cloudevents.event_type": "test.command",
    });
    const [event] = await world.pending(store);
    const { traceId, spanId } = publish?.spanContext() ?? {};
    expect(event?.["traceparent"]).toBe(`00-${traceId}-${spanId}-01`);
    expect(trace.getSpanContext(contextOf(event ?? {}))).toMatchObject({ traceId, spanId, isRemote: true });
  });

  it("is said to be a duplicate, which changes nothing on disk", async () => {
    await world.telemetry();
    const { principal, store } = await world.principal();
    const publish = (): Promise<unknown> =>
      world.settled(principal.publish("one", command("1"), { idempotencyKey: "k" }));
    await publish();
    await publish();
    const [first, second] = world.spans;
    expect(first?.attributes).not.toHaveProperty("messaging.hawser.message.duplicate");
    expect(second?.attributes).toMatchObject({
      "messaging.hawser.message.duplicate": true,
      "messaging.hawser.message.eventid": "1",
    });
    const events = await world.pending(store);
    expect(events).toHaveLength(1);
    expect(traceContextOf(events[0] ?? {})?.traceparent).toContain(first?.spanContext().spanId);
  });

  it("keeps the trace of its maker, to which the span links", async () => {
    await world.telemetry();
    const { principal, store } = await world.principal();
    const made = command("1", { traceparent: TRACEPARENT, tracestate: "a=1" });
    await world.settled(principal.publish("one", made));
    await world.inside("application", () => principal.publish("one", { ...made, id: "2" }));
    await world.settled(principal.publish("one", command("3", { traceparent: "none" })));
    for (const event of (await world.pending(store)).slice(0, 2))
      expect(event).toMatchObject({ traceparent: TRACEPARENT, tracestate: "a=1" });
    const [alone, inside, unreadable] = world.named("publish agents/{agent}");
    const link = { context: { traceId: TRACE_ID, spanId: "b7ad6b7169203331" } };
    expect(alone).toMatchObject({ kind: SpanKind.CLIENT, links: [link], parentSpanContext: link.context });
    expect(alone?.links[0]?.context.traceState?.serialize()).toBe("a=1");
    expect(inside).toMatchObject({ kind: SpanKind.CLIENT, links: [link] });
    expect(inside?.spanContext().traceId).not.toBe(TRACE_ID);
    expect(unreadable).toMatchObject({ kind: SpanKind.CLIENT, links: [] });
  });

  it("is not refused for its trace at the limit of extensions", async () => {
    await world.telemetry();
    const { principal, store } = await world.principal();
    const full = Object.fromEntries(Array.from({ length: LIMITS.maxExtensions }, (_, n) => [`x${n}`, n]));
    await world.settled(principal.publish("one", command("1", full)));
    expect(world.spans).toHaveLength(1);
    const [event] = await world.pending(store);
    expect(event).toMatchObject(full);
    expect(event).not.toHaveProperty("traceparent");
  });

  it("carries a trace that is not sampled", async () => {
    world = new TracedWorld(new AlwaysOffSampler());
    await world.telemetry();
    const { principal, store } = await world.principal();
    await world.settled(principal.publish("one", command("1")));
    expect(world.spans).toEqual([]);
    const [event] = await world.pending(store);
    expect(event?.["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it("says why it was refused", async () => {
    await world.telemetry();
    const { principal } = await world.principal();
    const reserved = command("1", { type: "hawser.made.up" });
    await expect(world.settled(principal.publish("one", reserved))).rejects.toThrow("is not defined");
    expect(world.spans[0]).toMatchObject({
      attributes: { "error.type": "unknown_type" },
      status: { code: SpanStatusCode.ERROR },
      events: [{ name: "exception" }],
    });
  });

  it("from an agent goes to the mailbox of the principal", async () => {
    await world.telemetry();
    const agent = await world.agent();
    await world.settled(agent.publish(command("up")));
    expect(world.spans[0]).toMatchObject({
      name: "publish principal",
      kind: SpanKind.PRODUCER,
      attributes: {
        "messaging.destination.name": "principal",
        "messaging.client.id": "one",
        "messaging.hawser.agent": "one",
      },
    });
  });
});

describe("a trace that the caller hands over", () => {
  const traceContext = { traceparent: TRACEPARENT, tracestate: "a=1" };

  it("is the parent of the span, and goes with the event", async () => {
    await world.telemetry();
    const { principal, store } = await world.principal();
    await world.settled(principal.publish("one", command("1"), { traceContext }));
    const [span] = world.spans;
    expect(span).toMatchObject({ parentSpanContext: { traceId: TRACE_ID, spanId: "b7ad6b7169203331" } });
    const [event] = await world.pending(store);
    expect(event).toMatchObject({
      traceparent: `00-${TRACE_ID}-${span?.spanContext().spanId}-01`,
      tracestate: "a=1",
    });
  });

  it("goes with the event as it is when nobody makes spans", async () => {
    const { principal, store } = await world.principal();
    await world.settled(principal.publish("one", command("1"), { traceContext }));
    await world.settled(principal.resources.put("one", "Task", "t", {}, { traceContext }));
    await world.settled(principal.resources.delete("one", "Task", "t", { traceContext }));
    const events = await world.pending(store);
    expect(events.map(({ type }) => type)).toEqual(["test.command", "hawser.resource.delete.v1"]);
    for (const event of events) expect(event).toMatchObject(traceContext);
  });

  it("gives way to the span around the call, unless that has ended", async () => {
    await world.telemetry();
    const { principal } = await world.principal();
    const publish = (id: string): Promise<unknown> => principal.publish("one", command(id), { traceContext });
    const left = await world.inside("application", async (active) => {
      await publish("1");
      return active;
    });
    await world.settled(context.with(left, () => publish("2")));
    const [inside, application, behind] = world.spans;
    expect(inside?.parentSpanContext?.spanId).toBe(application?.spanContext().spanId);
    expect(behind?.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
  });
});

describe("a resource that is changed", () => {
  it("has a span that says which event came of it", async () => {
    await world.telemetry();
    const { principal, store } = await world.principal();
    const put = (): Promise<unknown> => world.settled(principal.resources.put("one", "Task", "t", { n: 1 }));
    await put();
    await put();
    const [event] = await world.pending(store);
    await world.settled(principal.resources.delete("one", "Task", "t"));
    const [created, unchanged, deleted] = world.spans;
    expect(created).toMatchObject({ name: "put agents/{agent}", kind: SpanKind.PRODUCER });
    expect(created?.attributes).toMatchObject({
      "cloudevents.event_type": "hawser.resource.spec.v1",
      "cloudevents.event_subject": "Task/t",
      "messaging.hawser.message.eventid": "1",
    });
    expect(traceContextOf(event ?? {})?.traceparent).toContain(created?.spanContext().spanId);
    expect(unchanged?.attributes).toMatchObject({ "cloudevents.event_subject": "Task/t" });
    expect(unchanged?.attributes).not.toHaveProperty("cloudevents.event_id");
    expect(deleted).toMatchObject({
      name: "delete agents/{agent}",
      attributes: { "cloudevents.event_type": "hawser.resource.delete.v1" },
    });
  });
});
