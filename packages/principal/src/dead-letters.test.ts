import { createMemoryStore, type Store } from "@hawser/store";
import { heldBy } from "./testing/held-by.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPrincipal } from "./create-principal.js";
import type { Principal } from "./principal.js";

const AGENT = "edge-1";

describe("dead letters of a principal", () => {
  let store: Store;
  let principal: Principal;
  const gone: string[] = [];

  beforeEach(async () => {
    gone.length = 0;
    store = createMemoryStore({ limits: { maxEntries: 2 } });
    const observer = { gone: (agent: string) => void gone.push(agent) };
    principal = createPrincipal({ store, acceptors: [], observer });
    await principal.start();
  });
  afterEach(async () => {
    await principal.stop();
  });

  async function refuse(eventid: string): Promise<void> {
    const lease = await heldBy(store, AGENT);
    await lease.deadLetter(Number(eventid), { code: "no_handler", message: "nothing handles it", at: 0 });
    await lease.close();
  }

  it("are not found twice, nor where there are none", async () => {
    await principal.resources.put(AGENT, "Thing", "web", 1);
    await refuse("1");
    await principal.discardDeadLetter(AGENT, "1");
    for (const [agent, eventid] of [
      [AGENT, "1"],
      [AGENT, "7"],
      ["edge-2", "1"],
    ] as const) {
      await expect(principal.discardDeadLetter(agent, eventid)).rejects.toMatchObject({
        code: "not_found",
        agent,
        event_id: eventid,
      });
    }
    await expect(principal.discardDeadLetter(AGENT, "one")).rejects.toMatchObject({
      code: "invalid_eventid",
    });
  });

  it("make room when they are discarded, and the series of an agent that is away go with the last", async () => {
    for (const name of ["web", "db"]) await principal.resources.put(AGENT, "Thing", name, 1);
    for (const eventid of ["1", "2"]) await refuse(eventid);
    await expect(principal.resources.put(AGENT, "Thing", "mail", 1)).rejects.toMatchObject({
      code: "mailbox_full",
    });
    await principal.discardDeadLetter(AGENT, "1");
    expect(gone).toEqual([]);
    await principal.discardDeadLetter(AGENT, "2");
    expect(gone).toEqual([AGENT]);
    expect(await principal.agent(AGENT)).toMatchObject({ deadLetters: 0, mailboxBytes: 0 });
    await principal.resources.put(AGENT, "Thing", "mail", 1);
  });

  it("are looped over as they were when the loop began: one that is refused anew does not come again", async () => {
    for (const name of ["web", "db"]) await principal.resources.put(AGENT, "Thing", name, 1);
    for (const eventid of ["1", "2"]) await refuse(eventid);
    const seen: string[] = [];
    for await (const { eventid } of principal.allDeadLetters(AGENT, { pageSize: 1 })) {
      seen.push(eventid);
      await refuse((await principal.requeue(AGENT, eventid)).eventid);
    }
    expect(seen).toEqual(["1", "2"]);
    const left: string[] = [];
    for await (const { eventid } of principal.allDeadLetters(AGENT)) left.push(eventid);
    expect(left).toEqual(["3", "4"]);
    for await (const letter of principal.allDeadLetters("nobody")) expect.unreachable(letter.eventid);
  });

  it("show in the resource: refused, and sent by an equal put only once its dead letter is discarded", async () => {
    const first = await principal.resources.put(AGENT, "Thing", "web", { a: 1 });
    await refuse("1");
    expect(await principal.resources.get(AGENT, "Thing", "web")).toMatchObject({ state: "refused" });
    expect(await principal.resources.put(AGENT, "Thing", "web", { a: 1 })).toMatchObject({ changed: false });

    await principal.discardDeadLetter(AGENT, "1");
    expect(await principal.resources.get(AGENT, "Thing", "web")).toMatchObject({
      state: "refused",
      version: "1",
    });
    const again = await principal.resources.put(AGENT, "Thing", "web", { a: 1 });
    expect(again).toMatchObject({
      changed: true,
      created: false,
      resource: { state: "pending", version: "2" },
    });
    expect(again.resource.uid).toBe(first.resource.uid);
  });

  it("of a delete give the resource up when they are discarded", async () => {
    const first = await principal.resources.put(AGENT, "Thing", "web", 1);
    await principal.resources.delete(AGENT, "Thing", "web");
    await refuse("2");
    expect(await principal.resources.get(AGENT, "Thing", "web")).toMatchObject({ state: "deleting" });
    await principal.discardDeadLetter(AGENT, "2");
    expect(await principal.resources.get(AGENT, "Thing", "web")).toBeUndefined();
    const anew = await principal.resources.put(AGENT, "Thing", "web", 1);
    expect(anew.created).toBe(true);
    expect(anew.resource.uid).not.toBe(first.resource.uid);
  });
});
