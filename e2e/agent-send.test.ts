import { once } from "node:events";
import { lstat } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { createPrincipal } from "@hawser/principal";
import type { HawserEvent } from "@hawser/protocol";
import { pause, seededRandom, systemRandom, systemTimers } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { describe, expect, it } from "vitest";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import type { ServiceProcess } from "./support/service-process.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

const KILLS = Number(process.env["HAWSER_CRASH_ROUNDS"] ?? 10);
const MAX_BEFORE_KILL_MS = 400;
const WRITERS = 4;
/** A program that is not sure whether it was accepted asks again after this. */
const RETRY_MS = 10;

/** Every event as it came to the principal, in this order. */
type Arrivals = HawserEvent[];

/** A principal that takes events of agents, and where it listens. */
async function startPrincipal(
  fleet: TestFleet,
): Promise<{ readonly address: string; readonly arrivals: Arrivals }> {
  const arrivals: Arrivals = [];
  const store = createMemoryStore();
  const principal = createPrincipal({
    store,
    acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
    listen: { port: 0 },
    onEvent: ({ event }) => void arrivals.push(event),
    stop: { windowMs: 0 },
  });
  const { address } = await principal.start();
  fleet.atEnd(async () => {
    await principal.stop();
  });
  return { address: `127.0.0.1:${address?.port}`, arrivals };
}

function agentOf(fleet: TestFleet, address: string, ...args: readonly string[]): ServiceProcess {
  const own = ["--name", "edge-1", "--url", address, "--data-dir", fleet.path("data")];
  return fleet.service({
    name: "edge-1",
    program: PROGRAMS.agent,
    args: [...own, "--reconnect-max", "1s", ...args],
  });
}

function eventOf(writer: number, n: number): object {
  return {
    specversion: "1.0",
    id: String(n),
    source: `/writer/${writer}`,
    type: "com.example.count",
    resourceid: `counter-${writer}_1`,
    data: n,
  };
}

/** Undefined when the connection was refused or broke off: nobody knows what became of it. */
async function post(
  socketPath: string,
  event: object,
): Promise<{ status: number; body: unknown } | undefined> {
  const sent = request({
    socketPath,
    method: "POST",
    path: "/v1/events",
    headers: { "content-type": "application/cloudevents+json" },
    agent: false,
  });
  sent.end(JSON.stringify(event));
  try {
    const [incoming] = await once(sent, "response");
    return { status: incoming.statusCode, body: JSON.parse(await text(incoming)) };
  } catch {
    return undefined;
  } finally {
    sent.on("error", () => {});
  }
}

/** Programs that count, each event sent until it is answered. */
class Writers {
  /** What the last answered event of each has for a number. */
  readonly answered: number[] = [];
  #running = true;
  readonly #loops: readonly Promise<void>[];

  constructor(send: (event: object, writer: number) => Promise<boolean>) {
    this.#loops = Array.from({ length: WRITERS }, (_, writer) => this.#write(writer, send));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  async #write(writer: number, send: (event: object, writer: number) => Promise<boolean>): Promise<void> {
    this.answered[writer] = 0;
    for (let n = 1; this.#running; n += 1) {
      while (!(await send(eventOf(writer, n), writer))) {
        if (!this.#running) return;
        await pause(systemTimers, RETRY_MS);
      }
      this.answered[writer] = n;
    }
  }
}

function numbersOf(arrivals: Arrivals, writer: number): readonly number[] {
  return arrivals.filter(({ source }) => source === `/writer/${writer}`).map(({ data }) => Number(data));
}

describe("programs that send while their agent is killed", () => {
  it.each(["ws", "grpc"])("have everything that was answered arrive, in order, over %s", async (scheme) => {
    const seed = Number(process.env["HAWSER_SEED"] ?? Math.floor(systemRandom.next() * 2 ** 31));
    console.log(`HAWSER_SEED=${seed}`);
    const random = seededRandom(seed);
    const fleet = await createTestFleet();
    const { address, arrivals } = await startPrincipal(fleet);
    const agent = agentOf(fleet, `${scheme}://${address}`);
    await agent.start();
    const socket = fleet.path("data", "agent.sock");
    // The last one is the command, which tries again by itself.
    const writers = new Writers(async (event, writer) => {
      if (writer < WRITERS - 1) return (await post(socket, event))?.status === 202;
      const input = JSON.stringify(event);
      return (await runProgram(PROGRAMS.agent, ["send", "--socket", socket], { input })).code === 0;
    });
    for (let kill = 0; kill < KILLS; kill += 1) {
      await pause(systemTimers, random.next() * MAX_BEFORE_KILL_MS);
      await agent.kill();
      await agent.start();
    }
    await becomes("each writer has got through after the last kill", () => {
      const told = writers.answered.every((n) => n > 1);
      return told;
    });
    await writers.stop();
    for (const [writer, last] of writers.answered.entries()) {
      await becomes(`event ${last} of writer ${writer} arrives`, () =>
        numbersOf(arrivals, writer).includes(last),
      );
      const first = [...new Set(numbersOf(arrivals, writer))];
      expect(first.slice(0, last)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    }
    // Whatever was sent again because its answer was lost is the same event, and whoever gets it twice can tell.
    const versions = new Map<string, Set<string>>();
    for (const { source, id, resourceid, eventid } of arrivals) {
      const key = JSON.stringify([source, id]);
      versions.set(key, (versions.get(key) ?? new Set()).add(`${resourceid} ${eventid}`));
    }
    expect([...versions.values()].filter((each) => each.size > 1)).toEqual([]);
  });
});

describe("the socket of an agent", () => {
  it("takes events while there is no principal, and they arrive when there is", async () => {
    const fleet = await createTestFleet();
    const { address, arrivals } = await startPrincipal(fleet);
    const agent = agentOf(fleet, "ws://127.0.0.1:9");
    await agent.start();
    const door = ["--type", "com.example.door", "--resource", "door_1", "--data", '{"open":true}'];
    const flags = ["send", "--data-dir", fleet.path("data"), ...door];
    expect(await runProgram(PROGRAMS.agent, flags)).toEqual({
      code: 0,
      stdout: "door_1 accepted, version 1\n",
      stderr: "",
    });
    await agent.kill();
    expect(await runProgram(PROGRAMS.agent, flags)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("no agent runs there"),
    });
    const next = fleet.service({
      name: "next",
      program: PROGRAMS.agent,
      args: ["--name", "edge-1", "--url", `ws://${address}`, "--data-dir", fleet.path("data")],
    });
    await next.start();
    await becomes("the event arrives", () => arrivals.length > 0);
    expect(arrivals[0]).toMatchObject({ source: "hawser/agent/edge-1", data: { open: true }, eventid: "1" });
  });

  it("is its own: another agent does not take it, and it goes with the agent", async () => {
    const fleet = await createTestFleet();
    const socket = fleet.path("s.sock");
    const agent = agentOf(fleet, "ws://127.0.0.1:9", "--socket", socket);
    expect(await agent.start()).toMatchObject({ socket });
    const own = ["--name", "other", "--url", "ws://127.0.0.1:9", "--data-dir", fleet.path("other")];
    const other = await runProgram(PROGRAMS.agent, [...own, "--socket", socket]);
    expect(other).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`unix:${socket} is in use`),
    });
    expect((await post(socket, eventOf(0, 1)))?.status).toBe(202);
    await agent.stop();
    await expect(lstat(socket)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("holds neither a program that says nothing nor one that never ends against the agent's stop", async () => {
    const fleet = await createTestFleet();
    const agent = agentOf(fleet, "ws://127.0.0.1:9");
    await agent.start();
    const sent = request({
      socketPath: fleet.path("data", "agent.sock"),
      method: "POST",
      path: "/v1/events",
    });
    sent.on("error", () => {});
    sent.write("{");
    await once(sent, "socket");
    await agent.stop();
    expect(agent.exit).toEqual({ code: 0, signal: null });
  });
});
