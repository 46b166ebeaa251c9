import { deleteEvent, HawserError, specEvent, type EventDraft, type JsonValue } from "@hawser/protocol";
import type { Delivery } from "@hawser/link";
import { silentLogger } from "@hawser/runtime";
import { createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { Dispatcher } from "./dispatcher.js";
import type { ResourceHandler } from "./resource-handler.js";
import { HandlerSignals } from "./handler-signals.js";
import { StatusReporter } from "./status-reporter.js";

let virtual: VirtualRuntime;
let store: Store;
let calls: string[];
let peerStore: string;
let failure: Error | undefined;
let dispatcher: Dispatcher;

/** Resolves when the test lets it. */
let gate: Promise<void>;

const handler: ResourceHandler = {
  async apply({ uid, spec }) {
    calls.push(`apply ${uid} ${JSON.stringify(spec)}`);
    await gate;
    if (failure !== undefined) throw failure;
  },
  async delete({ uid, version }) {
    calls.push(`delete ${uid} v${version}`);
  },
};

beforeEach(async () => {
  virtual = createVirtualRuntime({ seed: 1 });
  const { runtime } = virtual;
  store = createMemoryStore({ runtime });
  await store.start();
  calls = [];
  peerStore = "first";
  failure = undefined;
  gate = Promise.resolve();
  dispatcher = new Dispatcher({
    agent: "one",
    handlers: { Job: handler },
    onEvent: undefined,
    retained: store.retained,
    reporter: new StatusReporter({ agent: "one", runtime, store, source: "test" }),
    signals: new HandlerSignals(new AbortController().signal),
    logger: silentLogger,
    peerStore: () => peerStore,
  });
});

const identity = (uid: string) => ({ id: "1", source: "test", kind: "Job", name: "a", uid });
const delivery = (draft: EventDraft, version: number): Delivery => ({
  event: { ...draft, eventid: String(version) },
  version,
  peerStore,
  attempt: 1,
  epoch: 1,
  signal: new AbortController().signal,
});
const spec = (uid: string, version: number, value: JsonValue = version) =>
  dispatcher.apply(delivery(specEvent({ ...identity(uid), spec: value }), version));
const remove = (uid: string, version: number) =>
  dispatcher.apply(delivery(deleteEvent(identity(uid)), version));

describe("the uid of a resource", () => {
  it("that is new makes the handler delete the old one first, as the version it was", async () => {
    await spec("u1", 3);
    await spec("u2", 7);
    expect(calls).toEqual(["apply u1 3", "delete u1 v3", "apply u2 7"]);
  });

  it("that is old no longer applies: acknowledged, kept by nobody, no handler runs", async () => {
    await spec("u2", 7);
    expect(await spec("u1", 3)).toEqual({ kind: "applied" });
    // Its spec may have been recorded after the new one came: a restart would have handed it back.
    expect(await remove("u1", 4)).toEqual({ kind: "applied", retain: { forget: "Job/a" } });
    expect(calls).toEqual(["apply u2 7"]);
  });

  it("is new whatever its version once the principal has another store", async () => {
    await spec("u1", 900);
    peerStore = "second";
    await spec("u2", 1);
    expect(calls).toEqual(["apply u1 900", "delete u1 v900", "apply u2 1"]);
  });

  it("is old when it waited for its turn while the principal got another store (the new spec was then taken for the older one)", async () => {
    let open: () => void = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const old = Promise.all([spec("u1", 900), spec("u1", 901)]);
    peerStore = "second";
    const fresh = spec("u2", 1);
    open();
    await Promise.all([old, fresh]);
    expect(calls).toEqual(["apply u1 900", "apply u1 901", "delete u1 v901", "apply u2 1"]);
    peerStore = "first";
    const late = delivery(specEvent({ ...identity("u1"), spec: 902 }), 902);
    peerStore = "second";
    expect(await dispatcher.apply(late)).toEqual({ kind: "applied" });
  });

  it("whose apply may have begun is deleted even under a name that an older life has (what was half made stayed)", async () => {
    await spec("u1", 3);
    expect(await remove("u2", 7)).toEqual({ kind: "applied", retain: { forget: "Job/a" } });
    expect(await remove("u1", 4)).toEqual({ kind: "applied", retain: { forget: "Job/a" } });
    expect(calls).toEqual(["apply u1 3", "delete u2 v7", "delete u1 v4"]);
  });

  it("decides also while the handler of the old one still runs: they take turns", async () => {
    let open: () => void = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const both = Promise.all([spec("u1", 3), spec("u2", 7)]);
    await virtual.advance(1_000);
    expect(calls).toEqual(["apply u1 3"]);
    open();
    await both;
    expect(calls).toEqual(["apply u1 3", "delete u1 v3", "apply u2 7"]);
  });

  it("of a spec that failed half-way counts as held; one that was refused does not", async () => {
    failure = new Error("disk");
    await expect(spec("u1", 1)).rejects.toThrow("disk");
    failure = undefined;
    await spec("u2", 2);
    expect(calls).toEqual(["apply u1 1", "delete u1 v1", "apply u2 2"]);
    await remove("u2", 3);
    failure = new HawserError("handler_rejected", "no");
    await spec("u3", 4);
    failure = undefined;
    calls = [];
    await spec("u4", 5);
    expect(calls).toEqual(["apply u4 5"]);
  });
});

describe("what becomes of an event", () => {
  it("a spec is kept, a delete forgets", async () => {
    expect(await spec("u1", 1)).toMatchObject({ kind: "applied", retain: { keep: { eventid: "1" } } });
    expect(await remove("u1", 2)).toEqual({ kind: "applied", retain: { forget: "Job/a" } });
  });

  it("a spec whose data contradicts its attributes is refused for good", async () => {
    const draft = {
      ...specEvent({ ...identity("u1"), spec: 1 }),
      data: { kind: "Job", name: "b", uid: "u1", spec: 1 },
    };
    expect(await dispatcher.apply(delivery(draft, 1))).toMatchObject({
      kind: "rejected",
      error: { code: "invalid_event" },
    });
  });

  it("a status is not for an agent, and a command needs somebody to take it", async () => {
    const status = { ...specEvent({ ...identity("u1"), spec: 1 }), type: "hawser.resource.status.v1" };
    expect(await dispatcher.apply(delivery(status, 1))).toMatchObject({
      kind: "rejected",
      error: { code: "forbidden" },
    });
    const command = {
      specversion: "1.0",
      id: "1",
      source: "test",
      type: "com.example.x",
      resourceid: "a_u",
    } as const;
    expect(await dispatcher.apply(delivery(command, 2))).toMatchObject({
      kind: "rejected",
      error: { code: "no_handler" },
    });
  });
});
