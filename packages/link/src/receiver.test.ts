import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { Receiver, type Outcome } from "./receiver.js";
import { command } from "./two-sides.test-support.js";

it("leaves no trace in the inbox of a peer's new store of what ends, and begins, between its claim and the attach (after a restart, new events were taken for stale)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  let finish: (outcome: Outcome) => void = () => {};
  const receiver = new Receiver({
    runtime: world.runtime,
    store: store.inbox,
    peer: "edge-1",
    apply: () =>
      new Promise<Outcome>((resolve) => {
        finish = resolve;
      }),
  });
  const sink = { ack: () => {}, nack: () => {}, failed: () => {} };
  const claim = (peerStore: string) =>
    store.open("edge-1", "test", { peerStore }, { event: () => {}, lost: () => {} });
  await claim("first");
  await receiver.attach("first", sink);
  for (const version of [40, 41]) receiver.receive({ ...command("a"), eventid: String(version) }, version);
  await world.advance(5);
  expect((await store.inbox.load("edge-1")).begun.size).toBe(1);
  await claim("second");
  finish({ kind: "applied" });
  await world.advance(5);
  await receiver.attach("second", sink);
  await world.advance(5);
  expect(await store.inbox.load("edge-1")).toEqual({ settled: 0, applied: new Map(), begun: new Map() });
  expect(receiver.applying).toBe(1);
});
