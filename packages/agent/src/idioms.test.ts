import { tracingChannel } from "node:diagnostics_channel";
import { HawserError } from "@hawser/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { World } from "./testing/world.js";
import { createDeliveryStream, type Accepted, type AgentState, type PrincipalEventHandler } from "./index.js";

let world: World;

beforeEach(() => {
  world = new World(31);
});

const command = (id: string) =>
  ({ specversion: "1.0", id, source: "test", type: "test.command", resourceid: "job_u1" }) as const;

/** What Node publishes, as far as it is looked at here. */
interface TraceMessage {
  readonly agent: string;
  readonly attempt?: number;
  readonly result?: Accepted;
  readonly error?: unknown;
}

describe("an agent in a program of today", () => {
  it("tells its status to a loop, which ends with its signal", async () => {
    await world.principal();
    const one = await world.agent();
    const abort = new AbortController();
    const kinds: AgentState["kind"][] = [];
    const reading = (async () => {
      for await (const { kind } of one.agent.status({ signal: abort.signal })) {
        kinds.push(kind);
        if (kind === "connected") abort.abort();
      }
    })();
    await one.agent.start();
    await world.settled(reading);
    expect(kinds).toEqual(["stopped", "restoring", "connecting", "connected"]);
  });

  it("is stopped by what disposes of it", async () => {
    await world.principal();
    const one = await world.agent();
    await one.agent.start();
    await world.connected(one);
    await world.settled(one.agent[Symbol.asyncDispose]());
    expect(one.agent.state.kind).toBe("stopped");
  });

  it("publishes under a signal and a time limit", async () => {
    const one = await world.agent();
    await one.store.start();
    await expect(one.agent.publish(command("1"), { signal: AbortSignal.abort("no") })).rejects.toMatchObject({
      code: "aborted",
      agent: "one",
      cause: "no",
    });
    const append = one.store.append.bind(one.store);
    let go: () => void = () => {};
    const slow = new Promise<void>((resolve) => (go = resolve));
    one.store.append = (batch) => slow.then(() => append(batch));
    const late = one.agent.publish(command("2"), { timeoutMs: 1_000, idempotencyKey: "k" });
    late.catch(() => {});
    await world.virtual.advance(1_000);
    await expect(late).rejects.toMatchObject({ code: "timeout", message: "no answer within 1000 ms" });
    go();
    const again = await world.settled(one.agent.publish(command("2"), { idempotencyKey: "k" }));
    expect(again).toMatchObject({ duplicate: true });
  });

  it("takes events in a loop; what the loop leaves in the middle comes again", async () => {
    const { principal } = await world.principal();
    const events = createDeliveryStream<Parameters<PrincipalEventHandler>[0]>();
    const one = await world.agent({ onEvent: events.handler });
    await one.agent.start();
    for (const id of ["1", "2", "3"]) await world.settled(principal.publish("one", command(id)));
    const seen: string[] = [];
    const read = async (leaveAt: string): Promise<void> => {
      for await (const { event, attempt } of events) {
        seen.push(`${event.id} ${attempt}`);
        if (event.id === leaveAt && attempt === 1) break;
        if (event.id === "3") events.close();
      }
    };
    await world.settled(read("2"));
    await world.settled(read("none"));
    expect(seen).toEqual(["1 1", "2 1", "2 2", "3 1"]);
    await world.until(() => one.applied.length === 3);
  });

  it("traces what it publishes and what its handlers do", async () => {
    const { principal } = await world.principal();
    let failures = 1;
    const one = await world.agent({
      onEvent: () => {
        if (failures-- > 0) throw new HawserError("handler_failed", "not yet");
      },
    });
    const told: string[] = [];
    const publish = tracingChannel("hawser.agent.publish");
    const handle = tracingChannel("hawser.agent.handle");
    const tell =
      (what: string) =>
      (message: object): void => {
        const { agent, attempt, result, error } = message as TraceMessage;
        const code = error instanceof HawserError ? error.code : undefined;
        told.push(
          [what, agent, attempt ?? result?.eventid, code].filter((part) => part !== undefined).join(" "),
        );
      };
    const publishing = { start: tell("publish"), asyncEnd: tell("published") } as const;
    const handling = { start: tell("handle"), error: tell("failed"), asyncEnd: tell("handled") } as const;
    publish.subscribe(publishing as never);
    handle.subscribe(handling as never);
    await one.agent.start();
    await world.settled(one.agent.publish(command("up")));
    await world.settled(principal.publish("one", command("down")));
    await world.until(() => one.applied.length === 1);
    publish.unsubscribe(publishing as never);
    handle.unsubscribe(handling as never);
    expect(told).toEqual([
      "publish one",
      "published one 1",
      "handle one 1",
      "failed one 1 handler_failed",
      "handled one 1 handler_failed",
      "handle one 2",
      "handled one 2",
    ]);
  });
});
