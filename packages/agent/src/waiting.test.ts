import { HawserError, type JsonValue } from "@hawser/protocol";
import type { Principal, WaitView } from "@hawser/principal";
import { beforeEach, describe, expect, it } from "vitest";
import { World, type SimulatedAgent } from "./testing/world.js";
import type { DesiredResource } from "./index.js";

// Why a resource waits, as its principal sees it, with an agent at the other end.

let world: World;
let principal: Principal;
let apply: (resource: DesiredResource) => Promise<JsonValue>;

beforeEach(async () => {
  world = new World(41);
  ({ principal } = await world.principal());
  apply = async () => "done";
});

async function started(options: Parameters<World["agent"]>[0] = {}): Promise<SimulatedAgent> {
  const handler = { apply: (resource: DesiredResource) => apply(resource), delete: async () => {} };
  const one = await world.agent({ handlers: { Job: handler }, ...options });
  await world.settled(one.agent.start());
  return one;
}

const put = (name: string, spec: JsonValue = 1) =>
  world.settled(principal.resources.put("one", "Job", name, spec));

/** Waits until the principal says this about a resource, and answers with all of it. */
async function waiting(name: string, reason: WaitView["reason"]): Promise<WaitView> {
  let seen: WaitView | undefined;
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 10) {
    seen = (await world.settled(principal.resources.get("one", "Job", name)))?.waiting;
    if (seen?.reason === reason) return seen;
    await world.virtual.advance(10);
  }
  throw new Error(`never so: ${JSON.stringify(seen)}`);
}

const hang = (): Promise<never> => new Promise(() => {});

describe("a resource that waits", () => {
  it("says so of an agent that has never come, and of one that is away", async () => {
    const { resource } = await put("a");
    expect(resource.waiting).toEqual({ reason: "never_connected", message: "one has never connected" });
    expect(await world.settled(principal.agent("one"))).toMatchObject({ everConnected: false });
    const { agent } = await started();
    await world.virtual.advance(1_000);
    expect(await world.settled(principal.resources.get("one", "Job", "a"))).toMatchObject({
      state: "delivered",
      waiting: undefined,
    });
    await world.settled(agent.stop());
    await put("b");
    const away = await waiting("b", "disconnected");
    expect(away).toMatchObject({ since: expect.any(Number) });
    expect(away.message).toMatch(/^one is not connected: it closed its connection/);
    expect(await world.settled(principal.agent("one"))).toMatchObject({ everConnected: true });
  });

  it("says what the agent refuses for now, how often, and when it is tried again", async () => {
    apply = async () => {
      throw new HawserError("handler_failed", "the path belongs to Job/other");
    };
    await started();
    await put("a");
    const nacked = await waiting("a", "nacked");
    if (nacked.reason !== "nacked") throw new Error("another reason");
    expect(nacked.refused).toMatchObject({ times: 1, code: "handler_failed" });
    expect(nacked.nextTryAt).toBeGreaterThan(world.virtual.runtime.clock.wallTime());
    expect(nacked.message).toMatch(/^refused once \(handler_failed: .*the path belongs to Job\/other\)$/);
    await world.virtual.advance(10_000);
    const again = await waiting("a", "nacked");
    if (again.reason !== "nacked") throw new Error("another reason");
    expect(again.refused.times).toBeGreaterThan(1);
  });

  it("says since when it is not answered, and what it is behind", async () => {
    apply = hang;
    await started();
    await put("a");
    const unanswered = await waiting("a", "unanswered");
    if (unanswered.reason !== "unanswered") throw new Error("another reason");
    const { since, attempts } = unanswered;
    expect(attempts).toBe(1);
    await world.virtual.advance(10_000);
    const later = await waiting("a", "unanswered");
    expect(later).toMatchObject({ since, refused: undefined, behind: undefined });
    if (later.reason !== "unanswered") throw new Error("another reason");
    expect(later.attempts).toBeGreaterThan(1);
    const { resource } = await put("a", 2);
    expect(resource.waiting).toMatchObject({ reason: "unanswered", behind: "1" });
    expect(resource.waiting?.message).toMatch(/^behind version 1, which is sent \d+ times and not answered/);
  });

  it("says that it is behind the delete of the one before it under its name, and what that waits for", async () => {
    let finish = (): void => {};
    const end = new Promise<void>((resolve) => (finish = resolve));
    const handler = { apply: (resource: DesiredResource) => apply(resource), delete: () => end };
    const { agent } = await started({ handlers: { Job: handler } });
    const { uid } = (await put("a")).resource;
    await world.virtual.advance(1_000);
    await world.settled(principal.resources.delete("one", "Job", "a"));
    await world.virtual.advance(1_000);
    const { resource } = await put("a", 2);
    expect(resource.uid).not.toBe(uid);
    expect(resource.waiting).toMatchObject({ reason: "unanswered", attempts: 1, behind: "2", oldUid: uid });
    expect(resource.waiting?.message).toBe(
      `behind the delete of the old one (uid ${uid}, version 2), which is sent and not answered: one may still be applying it`,
    );
    await world.settled(agent.stop());
    expect((await waiting("a", "disconnected")).message).toMatch(/^one is not connected/);
    await started({ handlers: { Job: handler } });
    expect(await waiting("a", "unanswered")).toMatchObject({ behind: "2", oldUid: uid });
    finish();
    await world.virtual.advance(10_000);
    const now = await world.settled(principal.resources.get("one", "Job", "a"));
    expect(now).toMatchObject({ state: "delivered", spec: 2, observedVersion: "3" });
  });

  it("says that the agent answers for as much as it accepts at once", async () => {
    apply = hang;
    await started({ window: 1 });
    await put("a");
    await waiting("a", "unanswered");
    await put("b");
    expect(await waiting("b", "window_full")).toMatchObject({ behind: undefined });
  });
});
