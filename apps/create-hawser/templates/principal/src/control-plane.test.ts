import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgent, type Agent, type ResourceHandler } from "@hawser/agent";
import { systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createControlPlane } from "./control-plane.js";
import { READING_TYPE } from "./heating.js";
import { readSettings } from "./settings.js";

// The whole control plane on ports of its own, and an agent that comes to it by WebSocket.

const AGENT_TOKEN = "a-token-of-room-1-alone";
const API_TOKEN = "a-token-that-nobody-guesses";

let folder: string;
let plane: ReturnType<typeof createControlPlane>;
let ports: Awaited<ReturnType<typeof plane.start>>;
let agent: Agent | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "control-plane-"));
  const agentTokensFile = join(folder, "agent-tokens.json");
  await writeFile(agentTokensFile, JSON.stringify({ "room-1": AGENT_TOKEN }));
  const env = { PORT: "0", API_PORT: "0", API_TOKEN, AGENT_TOKENS_FILE: agentTokensFile };
  plane = createControlPlane(readSettings(env), createMemoryStore(), pino({ level: "silent" }));
  ports = await plane.start();
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  await plane.stop();
  await rm(folder, { recursive: true });
});

async function comeAs(token: string, heater: ResourceHandler): Promise<Agent> {
  agent = createAgent({
    name: "room-1",
    store: createMemoryStore(),
    dialer: createWebSocketDialer({
      url: `ws://127.0.0.1:${ports.port}`,
      subprotocol: "cloudevents.json",
      authorization: () => `Bearer ${token}`,
    }),
    handlers: { Heater: heater },
    runtime: systemRuntime(),
  });
  await agent.start();
  return agent;
}

const reading = (celsius: number) => ({
  specversion: "1.0" as const,
  id: `reading-${celsius}`,
  source: "/rooms/1",
  type: READING_TYPE,
  resourceid: "thermometer_1",
  data: { celsius },
});

test("a cold room is heated, and a warm one is not", async () => {
  const heard: unknown[] = [];
  const room = await comeAs(AGENT_TOKEN, {
    apply: async ({ spec }) => void heard.push(spec),
    delete: async () => {},
  });
  await room.publish(reading(16.5));
  await vi.waitFor(() => expect(heard).toEqual([{ on: true }]));
  await room.publish(reading(20.5));
  await vi.waitFor(() => expect(heard).toEqual([{ on: true }, { on: false }]));
});

test("an agent with another token is not let in", async () => {
  const stranger = await comeAs("the-token-of-somebody-else", {
    apply: async () => {},
    delete: async () => {},
  });
  await vi.waitFor(() =>
    expect(stranger.state).toMatchObject({ kind: "waiting", reason: expect.stringContaining("token") }),
  );
  expect(await plane.principal.agent("room-1")).toBeUndefined();
});

test("the API answers who shows its token, and nobody else", async () => {
  const agents = `http://127.0.0.1:${ports.apiPort}/v1/agents`;
  expect((await fetch(agents)).status).toBe(401);
  const answer = await fetch(agents, { headers: { authorization: `Bearer ${API_TOKEN}` } });
  expect(await answer.json()).toMatchObject({ items: [] });
});

test("without tokens it does not listen beyond this machine", () => {
  expect(() => readSettings({ HOST: "0.0.0.0" })).toThrow("API_TOKEN");
  expect(() => readSettings({ PORT: "seven" })).toThrow("PORT=seven is not a port");
});
