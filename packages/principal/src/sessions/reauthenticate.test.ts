import { HawserError } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { expect, it } from "vitest";
import { createPrincipal } from "../create-principal.js";
import { BareAgent } from "../testing/bare-agent.js";

it("ends the sessions of those who are no longer let in, and no others", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const transport = createMemoryTransport({ timers: runtime.timers });
  const store = createMemoryStore({ runtime });
  const [removed, kept, unclear] = ["edge-1", "edge-2", "edge-3"].map(
    (name) => new BareAgent(world, transport, name),
  ) as [BareAgent, BareAgent, BareAgent];
  const agents = [removed, kept, unclear];
  await Promise.all([store.start(), ...agents.map((agent) => agent.store.start())]);
  let verdict: "all" | "some" = "all";
  const principal = createPrincipal({
    store,
    acceptors: [transport.acceptor],
    runtime,
    authenticate: (_peer, { agent }) => {
      if (verdict === "all" || agent === kept.name) return { ok: true };
      if (agent === unclear.name) throw new Error("the directory does not answer");
      return { ok: false, error: new HawserError("unauthenticated", "the token is not known here") };
    },
  });
  await principal.start();
  for (const agent of agents) await agent.connect();
  const first = principal.reauthenticate();
  await world.advance(10);
  expect(await first).toBe(0);
  verdict = "some";
  const second = principal.reauthenticate();
  await world.advance(10);
  expect(await second).toBe(1);
  expect(removed.ends).toMatchObject([{ kind: "refused", code: "unauthenticated" }]);
  expect([kept.ends, unclear.ends]).toEqual([[], []]);
  expect(await principal.agent(removed.name)).toMatchObject({
    reason: "had its session ended by the principal (unauthenticated): the token is not known here",
  });
});
