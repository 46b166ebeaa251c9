import {
  deleteEvent,
  outputRequestEvent,
  specEvent,
  statusEvent,
  type EventDraft,
  type HawserEvent,
} from "@hawser/protocol";
import { Receiver } from "@hawser/link";
import { systemTimers } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it, onTestFinished } from "vitest";
import { heldBy } from "../testing/held-by.js";
import { applyAgentEvent } from "./apply-agent-event.js";

const about = (uid: string) => ({ id: "1", source: "test", kind: "Job", name: "a", uid });

async function stage() {
  const store = createMemoryStore();
  await store.start();
  onTestFinished(() => store.stop());
  const send = (event: EventDraft) => store.append([{ peer: "edge-1", event }]);
  const apply = applyAgentEvent("edge-1", undefined);
  const { runtime } = createVirtualRuntime({ seed: 1 });
  const answers: string[] = [];
  const observer = {
    applied: ({ eventid }: HawserEvent) => answers.push(`${eventid} applied`),
    skipped: ({ eventid }: HawserEvent, why: string) => answers.push(`${eventid} ${why}`),
  };
  const receiver = new Receiver({
    runtime: { ...runtime, timers: systemTimers },
    peer: "edge-1",
    apply,
    recordAttempts: () => false,
    observer,
  });
  const lease = await heldBy(store, "edge-1");
  receiver.attach({ peerStore: "s", lease, sink: { ack() {}, nack() {}, fail() {} } });
  let version = 6;
  const status = async (uid: string) => {
    version += 1;
    const event = {
      ...statusEvent({ ...about(uid), status: "up", observed: "1" }),
      eventid: String(version),
    };
    receiver.receive(event, version);
    await receiver.idle();
    return answers.splice(0).join();
  };
  const kept = () => store.retained.get("edge-1", "received", "Job/a");
  const remembered = async () => (await heldBy(store, "edge-1")).inbox.applied.size;
  return { send, status, kept, remembered };
}

it("keeps the status of a resource as long as there is one, its delete included", async () => {
  const { send, status, kept } = await stage();
  await send(specEvent({ ...about("u1"), spec: 1 }));
  expect(await status("u1")).toBe("7 applied");
  expect(await kept()).toMatchObject({ event: { eventid: "7" } });
  await send(deleteEvent(about("u1")));
  expect(await status("u1")).toBe("8 applied");
  expect(await kept()).toMatchObject({ event: { eventid: "8" } });
});

it.each([
  ["of an older life of the resource", "u2"],
  ["of a resource that was never asked for, or is gone", undefined],
])(
  "acknowledges a status %s and keeps nothing: nobody could see it, and nothing would take it away",
  async (_, uid) => {
    const { send, status, kept, remembered } = await stage();
    if (uid !== undefined) await send(specEvent({ ...about(uid), spec: 1 }));
    expect(await status("u1")).toBe("7 discarded");
    expect(await kept()).toBeUndefined();
    expect(await remembered()).toBe(0);
  },
);

it("refuses a request for output, which is its own to send, and hands it to nobody", async () => {
  const handed: string[] = [];
  const apply = applyAgentEvent("edge-1", ({ event }) => void handed.push(event.type));
  const request = { kind: "Job", name: "a", request: "r", forMs: 1 };
  const at = { id: "1", source: "test", time: "2026-01-01T00:00:00Z", expirytime: "2026-01-01T00:00:01Z" };
  const event = { ...outputRequestEvent({ ...request, ...at }), eventid: "7" };
  const outcome = await apply({
    event,
    version: 7,
    peerStore: "its",
    attempt: 1,
    epoch: 1,
    signal: new AbortController().signal,
  });
  expect(outcome).toMatchObject({ kind: "rejected", error: { code: "forbidden" } });
  expect(handed).toEqual([]);
});
