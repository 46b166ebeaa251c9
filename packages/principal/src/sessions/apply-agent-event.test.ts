import { deleteEvent, outputRequestEvent, specEvent, statusEvent, type EventDraft } from "@hawser/protocol";
import type { Delivery } from "@hawser/link";
import { createMemoryStore } from "@hawser/store";
import { expect, it, onTestFinished } from "vitest";
import { applyAgentEvent } from "./apply-agent-event.js";

const about = (uid: string) => ({ id: "1", source: "test", kind: "Job", name: "a", uid });

async function stage() {
  const store = createMemoryStore();
  await store.start();
  onTestFinished(() => store.stop());
  const send = (event: EventDraft) => store.append([{ peer: "edge-1", event }]);
  const apply = applyAgentEvent("edge-1", store, undefined);
  const status = (uid: string) => {
    const event = { ...statusEvent({ ...about(uid), status: "up", observed: "1" }), eventid: "7" };
    const delivery: Delivery = { event, version: 7, peerStore: "its", attempt: 1 };
    return apply(delivery);
  };
  return { send, status };
}

it("keeps the status of a resource as long as there is one, its delete included", async () => {
  const { send, status } = await stage();
  await send(specEvent({ ...about("u1"), spec: 1 }));
  expect(await status("u1")).toMatchObject({ kind: "applied", retain: { keep: { eventid: "7" } } });
  await send(deleteEvent(about("u1")));
  expect(await status("u1")).toMatchObject({ kind: "applied", retain: { keep: { eventid: "7" } } });
});

it.each([
  ["of an older life of the resource", "u2"],
  ["of a resource that was never asked for, or is gone", undefined],
])(
  "acknowledges a status %s and keeps nothing: nobody could see it, and nothing would take it away",
  async (_, uid) => {
    const { send, status } = await stage();
    if (uid !== undefined) await send(specEvent({ ...about(uid), spec: 1 }));
    expect(await status("u1")).toEqual({ kind: "discarded" });
  },
);

it("refuses a request for output, which is its own to send, and hands it to nobody", async () => {
  const store = createMemoryStore();
  const handed: string[] = [];
  const apply = applyAgentEvent("edge-1", store, ({ event }) => void handed.push(event.type));
  const request = { kind: "Job", name: "a", request: "r", forMs: 1 };
  const at = { id: "1", source: "test", time: "2026-01-01T00:00:00Z", expirytime: "2026-01-01T00:00:01Z" };
  const event = { ...outputRequestEvent({ ...request, ...at }), eventid: "7" };
  const outcome = await apply({ event, version: 7, peerStore: "its", attempt: 1 });
  expect(outcome).toMatchObject({ kind: "rejected", error: { code: "forbidden" } });
  expect(handed).toEqual([]);
});
