import { tracingChannel } from "node:diagnostics_channel";
import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Runtime } from "@hawser/runtime";
import { createMemoryStore, type Store } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";
import { beforeEach, describe, expect, it } from "vitest";
import { createPrincipal, type Principal, type PrincipalStatus } from "./index.js";

const command = {
  specversion: "1.0",
  id: "1",
  source: "test",
  type: "test.command",
  resourceid: "job_u1",
} as const;

let store: Store;
let principal: Principal;

beforeEach(async () => {
  store = createMemoryStore();
  const { acceptor } = createMemoryTransport();
  principal = createPrincipal({ store, acceptors: [acceptor], stop: { windowMs: 0, answerWaitMs: 0 } });
  return async () => {
    await principal[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  };
});

/** Collects under the channel's own messages, without those of other tests. */
async function traced(name: string, work: () => Promise<unknown>): Promise<unknown[]> {
  const told: unknown[] = [];
  const channel = tracingChannel(name);
  const tell = (what: string) => (message: unknown) => void told.push({ what, ...(message as object) });
  const handlers = { start: tell("start"), asyncEnd: tell("asyncEnd"), error: tell("error") } as never;
  channel.subscribe(handlers);
  await work().catch(() => {});
  channel.unsubscribe(handlers);
  return told;
}

describe("a principal in a program of today", () => {
  it("tells its status to a loop, from before its start to its end", async () => {
    const kinds: PrincipalStatus["kind"][] = [];
    const reading = (async () => {
      for await (const status of principal.status()) {
        kinds.push(status.kind);
        if (status.kind === "open") void principal.stop();
      }
    })();
    await Promise.resolve();
    await principal.start();
    await reading;
    expect([...new Set(kinds)]).toEqual(["stopped", "starting", "open", "draining"]);
    expect(kinds.at(-1)).toBe("stopped");
    expect(principal.state).toBe("stopped");
  });

  it("gives up what its caller gives up, and says which agent it was about", async () => {
    await principal.start();
    const signal = AbortSignal.abort("shutting down");
    const page = { limit: 1, signal };
    const gaveUp = { code: "aborted", cause: "shutting down" };
    await expect(principal.publish("a", command, { signal })).rejects.toMatchObject({
      ...gaveUp,
      agent: "a",
    });
    await expect(principal.resources.put("a", "Task", "t", {}, { signal })).rejects.toMatchObject(gaveUp);
    await expect(principal.resources.delete("a", "Task", "t", { signal })).rejects.toMatchObject(gaveUp);
    await expect(principal.resources.get("a", "Task", "t", { signal })).rejects.toMatchObject(gaveUp);
    await expect(principal.resources.list("a", page)).rejects.toMatchObject(gaveUp);
    await expect(principal.agents(page)).rejects.toMatchObject(gaveUp);
    await expect(principal.agent("a", { signal })).rejects.toMatchObject(gaveUp);
    await expect(principal.deadLetters("a", page)).rejects.toMatchObject(gaveUp);
    await expect(principal.requeue("a", "1", { signal })).rejects.toMatchObject(gaveUp);
    await expect(principal.discardDeadLetter("a", "1", { signal })).rejects.toMatchObject(gaveUp);
    expect(await store.stats("a")).toBeUndefined();
  });

  it("takes a runtime of a class, of which nothing is its own property", async () => {
    const parts = systemRuntime();
    class RuntimeOfAClass implements Runtime {
      get clock() {
        return parts.clock;
      }
      get timers() {
        return parts.timers;
      }
      get random() {
        return parts.random;
      }
      get logger() {
        return parts.logger;
      }
    }
    const { acceptor } = createMemoryTransport();
    const runtime = new RuntimeOfAClass();
    const stop = { windowMs: 0, answerWaitMs: 0 };
    await using one = createPrincipal({ store, acceptors: [acceptor], runtime, stop });
    await one.start();
    expect(await one.publish("a", command)).toMatchObject({ eventid: "1" });
  });

  it("traces its operations, with their results and errors", async () => {
    await principal.start();
    expect(await traced("hawser.principal.publish", () => principal.publish("a", command))).toMatchObject([
      { what: "start", agent: "a", event: command },
      { what: "asyncEnd", result: { eventid: "1", duplicate: false } },
    ]);
    const put = (): Promise<unknown> => principal.resources.put("a", "Task", "t", { command: "true" });
    expect(await traced("hawser.principal.put", put)).toMatchObject([
      { what: "start", agent: "a", kind: "Task", name: "t" },
      { what: "asyncEnd", result: { created: true } },
    ]);
    const remove = (): Promise<unknown> =>
      principal.resources.delete("a", "Task", "t", { expectedVersion: "99" });
    const [, failed] = await traced("hawser.principal.delete", remove);
    expect(failed).toMatchObject({ what: "error", error: expect.any(HawserError) });
    const drain = (): Promise<unknown> =>
      principal.drain({ reason: "test", shape: "handover", windowMs: 0, answerWaitMs: 0 });
    expect(await traced("hawser.principal.drain", drain)).toMatchObject([
      { what: "start", shape: "handover", reason: "test" },
      { what: "asyncEnd", result: { sessions: 0 } },
    ]);
  });
});
