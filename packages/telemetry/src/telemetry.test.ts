import { context, diag, ProxyTracerProvider, trace, type TracerProvider } from "@opentelemetry/api";
import { createPrincipal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";
import { tracingChannel } from "node:diagnostics_channel";
import { expect, it, onTestFinished, vi } from "vitest";
import { createTelemetry, DEFAULT_FLUSH_TIMEOUT_MS, isTracingRegistered } from "./index.js";
import { command, TracedWorld } from "./testing/traced-world.js";

const CHANNELS = [
  "hawser.principal.publish",
  "hawser.principal.put",
  "hawser.principal.delete",
  "hawser.principal.handle",
  "hawser.principal.drain",
  "hawser.agent.publish",
  "hawser.agent.report",
  "hawser.agent.handle",
];

/** The channels somebody listens to. */
function heard(): readonly string[] {
  return CHANNELS.filter((name) => tracingChannel(name).hasSubscribers);
}

it("listens from its start to its stop, which may be repeated", async () => {
  const telemetry = createTelemetry();
  expect(heard()).toEqual([]);
  await telemetry.stop();
  await telemetry.start();
  expect(heard()).toEqual(CHANNELS);
  await expect(telemetry.start()).rejects.toMatchObject({ code: "invalid_state" });
  await telemetry[Symbol.asyncDispose]();
  await telemetry.stop();
  expect(heard()).toEqual([]);
});

it("ends the spans of what is under way when it stops", async () => {
  const world = new TracedWorld();
  const telemetry = await world.telemetry();
  const { principal, store } = await world.principal();
  let go: () => void = () => {};
  const append = store.append.bind(store);
  store.append = async (batch) => {
    await new Promise<void>((resolve) => (go = resolve));
    return append(batch);
  };
  const accepted = principal.publish("one", command("1"));
  expect(world.spans).toEqual([]);
  await telemetry.stop();
  expect(world.spans.map(({ name, ended }) => [name, ended])).toEqual([["publish agents/{agent}", true]]);
  go();
  await world.settled(accepted);
  expect(world.spans).toHaveLength(1);
});

it("has the SDK export what it holds when it stops, and waits no longer than it may", async () => {
  const world = new TracedWorld();
  const { runtime } = world.virtual.host("telemetry");
  const flush = vi.spyOn(world.provider, "forceFlush").mockResolvedValue();
  const registered = createTelemetry({ runtime });
  await registered.start();
  await world.settled(registered.stop());
  expect([flush.mock.calls.length, world.virtual.now()]).toEqual([1, 0]);
  flush.mockReturnValue(new Promise(() => {}));
  const stuck = createTelemetry({ runtime, tracerProvider: world.provider });
  await stuck.start();
  const before = world.virtual.now();
  await world.settled(stuck.stop());
  expect(world.virtual.now() - before).toBe(DEFAULT_FLUSH_TIMEOUT_MS);
});

it("draws a drain", async () => {
  const world = new TracedWorld();
  await world.telemetry();
  const { principal } = await world.principal();
  await world.settled(principal.drain({ reason: "test", shape: "handover", windowMs: 0, answerWaitMs: 0 }));
  expect(world.spans).toMatchObject([
    { name: "drain", attributes: { "hawser.drain.shape": "handover", "hawser.drain.reason": "test" } },
  ]);
});

it("never harms what it watches", async () => {
  const told: unknown[] = [];
  const silent = { info() {}, warn() {}, debug() {}, verbose() {} };
  diag.setLogger({ ...silent, error: (message) => void told.push(message) });
  onTestFinished(() => diag.disable());
  const broken: TracerProvider = {
    getTracer: () => ({
      startSpan: () => {
        throw new Error("the SDK is broken");
      },
      startActiveSpan: () => {
        throw new Error("nobody asks for it");
      },
    }),
  };
  const telemetry = createTelemetry({ tracerProvider: broken });
  await telemetry.start();
  const store = createMemoryStore();
  await store.start();
  const principal = createPrincipal({ store, acceptors: [createMemoryTransport().acceptor] });
  expect(await principal.publish("one", command("1"))).toMatchObject({ eventid: "1" });
  await telemetry.stop();
  expect(told).toEqual(["@hawser/telemetry: a span is lost"]);
});

it("knows whether somebody registered a tracer provider", () => {
  trace.disable();
  context.disable();
  expect(isTracingRegistered()).toBe(false);
  trace.setGlobalTracerProvider(new ProxyTracerProvider());
  onTestFinished(() => trace.disable());
  expect(isTracingRegistered()).toBe(true);
});
