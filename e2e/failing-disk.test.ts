import { createAgent } from "@hawser/agent";
import { createPrincipal } from "@hawser/principal";
import { createPrincipalMetrics } from "@hawser/metrics";
import { createApiServer } from "@hawser/principal-api";
import { HawserError, type JsonValue } from "@hawser/protocol";
import { systemRuntime } from "@hawser/runtime";
import { createDiskStore, createMemoryDisk, createMemoryStore } from "@hawser/store";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { expect, it, onTestFinished } from "vitest";
import { becomes } from "./support/eventually.js";
import { PrincipalApi, Refusal } from "./support/principal-api.js";

/** The same as the full disk of a real process, on machines where nobody may mount one: in this process, over real sockets. */
it("a disk that fails (injected): 507 store_full, reads are served, nothing accepted is lost, and the session goes on", async () => {
  const runtime = systemRuntime();
  const disk = createMemoryDisk();
  const store = createDiskStore(disk.attach(), { runtime, recoveryDelayMs: 50 });
  const principal = createPrincipal({
    store,
    runtime,
    acceptors: [createWebSocketAcceptor({ runtime })],
    listen: { port: 0 },
  });
  const api = createApiServer({
    host: "127.0.0.1",
    port: 0,
    runtime,
    principal,
    metrics: createPrincipalMetrics({ process: false }),
    version: "0.0.0",
  });
  await store.start();
  const { port } = await api.start();
  const { address } = await principal.start();
  const applied: JsonValue[] = [];
  const agentStore = createMemoryStore({ runtime });
  const agent = createAgent({
    name: "edge",
    store: agentStore,
    runtime,
    dialer: createWebSocketDialer({
      url: `ws://127.0.0.1:${address?.port}`,
      subprotocol: "cloudevents.json",
      runtime,
    }),
    handlers: {
      Counter: {
        apply: async ({ spec }) => {
          applied.push(spec);
        },
        delete: async () => {},
      },
    },
  });
  await agentStore.start();
  await agent.start();
  onTestFinished(async () => {
    await agent.stop();
    await principal.stop();
    await api.stop();
    await store.stop();
    await agentStore.stop();
  });
  const publisher = new PrincipalApi(`http://127.0.0.1:${port}`);

  await publisher.put("edge", "Counter", "a", { n: 1 });
  await becomes("the agent is there", async () => (await publisher.agent("edge")).pending === 0);
  disk.failWrites(new HawserError("store_full", "no space left"));
  const refusal = await publisher.put("edge", "Counter", "a", { n: 2 }).catch((thrown: unknown) => thrown);
  if (!(refusal instanceof Refusal)) throw new Error(`not refused: ${String(refusal)}`);
  expect(refusal).toMatchObject({ status: 507, code: "store_full" });
  expect(await publisher.resource("edge", "Counter", "a")).toMatchObject({ spec: { n: 1 }, version: "1" });
  const before = await publisher.agent("edge");
  expect(before.state).toBe("connected");
  expect(await publisher.deadLetters("edge")).toEqual([]);
  disk.failWrites(undefined);
  await becomes("publishers are let in again", async () => {
    await publisher.put("edge", "Counter", "a", { n: 3 });
    return true;
  });
  await becomes("it arrives", () => JSON.stringify(applied.at(-1)) === '{"n":3}');
  expect(applied).not.toContainEqual({ n: 2 });
  expect((await publisher.agent("edge")).session?.id).toBe(before.session?.id);
});
