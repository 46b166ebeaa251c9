import { systemRuntime } from "@hawser/runtime";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createAgent } from "@hawser/agent";
import type { Random } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { expect, it, onTestFinished } from "vitest";
import { fuzz, fuzzPlan } from "../support/fuzz/fuzz.js";
import { grpcAnswer, webSocketAnswer } from "../support/fuzz/hostile-answers.js";

const LONG_MS = 4 * 60 * 60_000;
const MAX_HEAP_GROWTH_BYTES = 300_000_000;
/** A connection that says nothing for two of these is given up: Node.js may stop reading at a bad frame. */
const SILENT_MS = 200;
/** More than one connection uses. */
const VERSIONS_EACH = 20;
/** Comes back at once, whatever happened: each connection carries ten inputs or so. */
const AT_ONCE = {
  backoffMinMs: 1,
  backoffMaxMs: 2,
  stableAfterMs: 1,
  shortSessionMs: 1,
  refusedFirstMs: 1,
  refusedMaxMs: 2,
  maxRequestedMs: 1,
};

const PEERS = [
  {
    name: "over WebSocket",
    answer: webSocketAnswer,
    dialer: (port: number) =>
      createWebSocketDialer({
        url: `ws://127.0.0.1:${port}`,
        subprotocol: "cloudevents.json",
        keepAliveIntervalMs: SILENT_MS,
      }),
  },
  {
    name: "over gRPC",
    answer: grpcAnswer,
    dialer: (port: number) =>
      createGrpcDialer({ url: `grpc://127.0.0.1:${port}`, keepAliveIntervalMs: SILENT_MS }),
  },
] as const;

it.each(PEERS)(
  "an agent goes on, whatever a principal says $name",
  { timeout: LONG_MS },
  async ({ name, answer, dialer }) => {
    const calls: Socket[] = [];
    let called: () => void = () => {};
    const server = createServer((socket) => {
      socket.on("error", () => {});
      calls.push(socket);
      called();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const store = createMemoryStore();
    let handled = 0;
    const agent = createAgent({
      runtime: systemRuntime(),
      name: "fuzz",
      store,
      dialer: dialer(port),
      reconnect: AT_ONCE,
      onEvent: () => void (handled += 1),
      handlers: {
        Task: {
          apply: async () => {
            handled += 1;
            return {};
          },
          delete: async () => {},
        },
      },
    });
    await agent.start();
    onTestFinished(async () => {
      await agent.stop({ graceMs: 0 });
      for (const socket of calls) socket.destroy();
      server.close();
    });
    const nextCall = async (): Promise<Socket> => {
      for (;;) {
        const call = calls.shift();
        if (call !== undefined) return call;
        await new Promise<void>((resolve) => {
          called = resolve;
        });
      }
    };
    const before = process.memoryUsage().heapUsed;
    await fuzz(`an agent ${name}`, fuzzPlan(150, 0.1), async (random: Random, index: number) => {
      const socket = await nextCall();
      // Later versions each time: what the agent has taken it does not apply again.
      await answer(random, socket, 1 + index * VERSIONS_EACH);
      socket.destroy();
    });
    expect(agent.state.kind).not.toBe("stopped");
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(MAX_HEAP_GROWTH_BYTES);
    console.log(`fuzz: an agent ${name}, ${handled} events reached a handler`);
    // Otherwise nothing behind the door was tried.
    expect(handled).toBeGreaterThan(0);
  },
);
