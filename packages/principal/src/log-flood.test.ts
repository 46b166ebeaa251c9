import { encodeControl, HawserError, type CloudEvent } from "@hawser/protocol";
import { entryLogger } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport, type Connection } from "@hawser/transport";
import { expect, it, onTestFinished } from "vitest";
import { createPrincipal } from "./create-principal.js";

/** A principal over a memory transport, what it logged, and what it left out. */
async function stage() {
  const lines: Record<string, unknown>[] = [];
  const logger = entryLogger("info", (entry) => lines.push(entry));
  const world = createVirtualRuntime({ seed: 1, logger });
  const { runtime } = world;
  const transport = createMemoryTransport({ timers: runtime.timers });
  const store = createMemoryStore({ runtime });
  let suppressed = 0;
  const principal = createPrincipal({
    store,
    runtime,
    acceptors: [transport.acceptor],
    observer: { logLineSuppressed: () => (suppressed += 1) },
    authenticate: (_peer, { agent }) =>
      agent === "edge-1" ? { ok: true } : { ok: false, error: new HawserError("forbidden", "not you") },
  });
  await principal.start();
  onTestFinished(async () => {
    const stopped = principal.stop();
    await world.advance(60_000);
    await stopped;
  });
  const hello = async (agent: string): Promise<Connection> => {
    const dialled = transport.dialer.dial();
    await world.advance(1);
    const connection = await dialled;
    connection.open({ message: () => {}, writable: () => {}, ended: () => {} });
    const words = { protocol_versions: ["1"], store: "s", window: 8, settled: "0", software: "t" };
    connection.send(encodeControl({ type: "hello", agent, ...words }, { id: "1", source: "t" }));
    await world.advance(10);
    return connection;
  };
  return { world, hello, lines, suppressed: () => suppressed };
}

const unknown = (count: number): CloudEvent => ({
  specversion: "1.0",
  id: `e${count}`,
  source: "t",
  type: "hawser.later.v9",
  resourceid: "web_u1",
  eventid: String(count),
});

it("an agent that floods gets a burst of lines, then one a second that says how many were left out", async () => {
  const { world, hello, lines, suppressed } = await stage();
  const connection = await hello("edge-1");
  const refused = () => lines.filter(({ code }) => code === "unknown_type");
  for (let count = 1; count <= 5_000; count += 1) {
    connection.send(unknown(count));
    if (count % 50 === 0) await world.advance(10);
  }
  expect(refused().length).toBeGreaterThanOrEqual(10);
  expect(refused().length).toBeLessThanOrEqual(11);
  await world.advance(1_000);
  connection.send(unknown(5_001));
  await world.advance(10);
  expect(refused().at(-1)).toMatchObject({ agent: "edge-1", suppressed: expect.any(Number) });
  const told = refused().reduce((sum, line) => sum + Number(line["suppressed"] ?? 0), 0);
  expect(told + refused().length).toBe(5_001);
  expect(suppressed()).toBe(told);
});

it("whoever is refused gets no more, under whatever name", async () => {
  const { hello, lines, suppressed } = await stage();
  for (let count = 0; count < 60; count += 1) await hello(`stranger-${count}`);
  const refused = lines.filter(({ code }) => code === "forbidden");
  expect(refused.length).toBeGreaterThanOrEqual(10);
  expect(refused.length).toBeLessThanOrEqual(12);
  expect(refused.length + suppressed()).toBe(60);
});
