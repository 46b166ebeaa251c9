import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { systemClock } from "@hawser/runtime";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { Bystander } from "./support/bystander.js";
import { pause } from "./support/eventually.js";
import { createWorld, type World } from "./support/world.js";

// What strangers do to the API's port, with a healthy agent beside: no token, on loopback, bounded in count and time. Figures are printed; what is asserted are counts and memory.

const PROBES = 15;
/** Above what a machine with much else to do takes: the figures tell how long it was, and nothing here is asserted of time. */
const PROBE_TIMEOUT_MS = 60_000;
const PROBE_EVERY_MS = 100;
const MAX_GROWTH_BYTES = 150_000_000;

interface Attacked {
  readonly world: World;
  readonly bystander: Bystander;
  readonly apiPort: number;
  readonly healthPort: number;
}

async function attacked(): Promise<Attacked> {
  const world = await createWorld(["--health-listen", "127.0.0.1:0"]);
  await world.startPrincipal();
  const bystander = new Bystander(world);
  await bystander.start();
  const ready: unknown = JSON.parse(await readFile(world.path("principal.ready.json"), "utf8"));
  const { api, health } = z
    .object({ api: z.object({ port: z.number() }), health: z.object({ port: z.number() }) })
    .parse(ready);
  return { world, bystander, apiPort: api.port, healthPort: health.port };
}

function dial(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** The status of a fresh connection's request; 0 when there was no answer. */
async function ask(port: number, path: string): Promise<{ readonly status: number; readonly ms: number }> {
  const from = systemClock.now();
  const status = await new Promise<number>((resolve) => {
    const asked = request(
      { port, path, host: "127.0.0.1", agent: false, timeout: PROBE_TIMEOUT_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(0));
    asked.end();
  });
  return { status, ms: systemClock.now() - from };
}

async function residentBytes({ world }: Attacked): Promise<number> {
  const status = await readFile(`/proc/${world.principal.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

/** Asks both ports while the attack goes on, and holds what came of it against the bounds. */
async function withstands(stage: Attacked, attack: () => Promise<() => void>, what: string): Promise<void> {
  const before = await residentBytes(stage);
  const goOn = await attack();
  const health: { status: number; ms: number }[] = [];
  const api: { status: number; ms: number }[] = [];
  let peak = before;
  for (let round = 0; round < PROBES; round += 1) {
    const asked = await Promise.all([ask(stage.healthPort, "/livez"), ask(stage.apiPort, "/livez")]);
    health.push(asked[0]);
    api.push(asked[1]);
    peak = Math.max(peak, await residentBytes(stage));
    await pause(PROBE_EVERY_MS);
    goOn();
  }
  const slowest = (asked: readonly { ms: number }[]): string =>
    Math.max(...asked.map(({ ms }) => ms)).toFixed(0);
  const good = (asked: readonly { status: number }[]): number =>
    asked.filter(({ status }) => status === 200).length;
  console.log(
    `${what}: health ${good(health)}/${health.length}, slowest ${slowest(health)} ms; api ${good(api)}/${api.length}, slowest ${slowest(api)} ms; ` +
      `resident +${((peak - before) / 1e6).toFixed(0)} MB`,
  );
  expect(good(health)).toBe(health.length);
  expect(good(api)).toBeGreaterThanOrEqual(0.9 * api.length);
  expect(peak - before).toBeLessThan(MAX_GROWTH_BYTES);
  await stage.bystander.isUnharmed();
}

it("20 connections with 1,600 requests each in one write, whose answers nobody reads", async () => {
  const stage = await attacked();
  await withstands(
    stage,
    async () => {
      for (let count = 0; count < 20; count += 1) {
        const socket = dial(stage.apiPort);
        await once(socket, "connect");
        socket.pause();
        socket.write("GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1_600));
      }
      return () => {};
    },
    "pipelined and unread",
  );
});

it.each([
  ["nothing", "", ""],
  ["a line of a head again and again", "GET /livez HTTP/1.1\r\n", "x-slow: 1\r\n"],
  [
    "a byte of a body again and again, without a token",
    "PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n",
    "{",
  ],
])("1,100 connections that say %s", async (what, first, more) => {
  const stage = await attacked();
  await withstands(
    stage,
    async () => {
      const sockets = Array.from({ length: 1_100 }, () => dial(stage.apiPort));
      await Promise.all(
        sockets.map((socket) => Promise.race([once(socket, "connect"), once(socket, "close")])),
      );
      for (const socket of sockets) if (first !== "") socket.write(first);
      return () => {
        for (const socket of sockets) if (more !== "" && socket.writable) socket.write(more);
      };
    },
    what,
  );
});

it("101 streams by one client leave half for the others", async () => {
  const { world, bystander, apiPort } = await attacked();
  const authorization = Object.values(world.api.authorization)[0] ?? "";
  const open = async (localAddress: string): Promise<number> => {
    const asked = request({
      port: apiPort,
      host: "127.0.0.1",
      localAddress,
      agent: false,
      path: "/v1/streams/events",
      headers: { authorization },
    });
    onTestFinished(() => void asked.destroy());
    asked.on("error", () => {});
    asked.end();
    const [response] = (await once(asked, "response")) as [{ statusCode: number }];
    return response.statusCode;
  };
  const statuses: number[] = [];
  for (let count = 0; count < 101; count += 1) statuses.push(await open("127.0.0.1"));
  expect(statuses.filter((status) => status === 200)).toHaveLength(50);
  expect(await open("127.0.0.2")).toBe(200);
  await bystander.isUnharmed();
});

it("a page in the operator's browser reaches nothing, nor does a passer-by", async () => {
  const { world, bystander, apiPort } = await attacked();
  const { authorization } = { authorization: "", ...world.api.authorization };
  const send = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<number> => {
    const asked = request({ port: apiPort, host: "127.0.0.1", method, path, headers, agent: false });
    asked.end(method === "PUT" ? '{"spec":{"command":"id"}}' : "");
    const [response] = (await once(asked, "response")) as [{ statusCode: number; resume: () => void }];
    response.resume();
    return response.statusCode;
  };
  const task = "/v1/agents/bystander/resources/Task/x";
  const rebound = { host: `evil.example:${apiPort}`, authorization };
  expect(await send("GET", "/v1/agents", rebound)).toBe(421);
  expect(await send("PUT", task, rebound)).toBe(421);
  const form = { host: `127.0.0.1:${apiPort}`, origin: "https://evil.example", authorization };
  expect(await send("POST", "/v1/drain", form)).toBe(403);
  for (const [method, path] of [
    ["GET", "/v1/agents"],
    ["PUT", task],
    ["POST", "/v1/drain"],
    ["GET", "/metrics"],
  ] as const)
    expect(await send(method, path, { host: `127.0.0.1:${apiPort}` })).toBe(401);
  const log = await world.principal.logText();
  expect(log).toContain("a request to the API was refused");
  expect(log).not.toContain(authorization.slice("Bearer ".length));
  await world.principal.logged(
    "who changed what",
    (line) => line["method"] === "PUT" && line["status"] === 201,
  );
  await bystander.isUnharmed();
});
