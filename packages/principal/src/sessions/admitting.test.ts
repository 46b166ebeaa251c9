import { encodeControl, HawserError } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { expect, it } from "vitest";
import { createPrincipal } from "../create-principal.js";

it("an agent that goes while it is authenticated leaves nothing behind", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  const { acceptor, dialer } = createMemoryTransport({ timers: world.runtime.timers });
  let decide = (): void => {};
  const principal = createPrincipal({
    store,
    runtime: world.runtime,
    acceptors: [acceptor],
    authenticate: () => new Promise((resolve) => (decide = () => resolve({ ok: true }))),
    stop: { windowMs: 0 },
  });
  await principal.start();
  const dialling = dialer.dial();
  await world.advance(10);
  const connection = await dialling;
  connection.open({ message: () => {}, writable: () => {}, ended: () => {} });
  const hello = {
    type: "hello",
    agent: "edge-7",
    protocol_versions: ["1"],
    store: "s",
    window: 16,
    settled: "0",
    software: "test",
  } as const;
  connection.send(encodeControl(hello, { id: "1", source: "/test" }));
  await world.advance(10);
  connection.terminate(new HawserError("aborted", "enough"));
  await world.advance(10);
  decide();
  await world.advance(10);
  expect(await principal.agents({ limit: 10 })).toEqual([]);
  const stopped = principal.stop();
  await world.advance(60_000);
  await stopped;
});
