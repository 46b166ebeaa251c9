import { createPrincipalMetrics, type PrincipalMetricsSource } from "@hawser/metrics";
import { createPrincipal, type Principal } from "@hawser/principal";
import { entryLogger, systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { until } from "@hawser/testkit";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createApiServer, type ApiServerOptions } from "./api-server.js";

const TOKEN = "the-token-of-throwing-observers";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

/** What is thrown out of an event or a timer would end this process, and the test run with it. */
function thrower(): never {
  throw new Error("a fault of the observer");
}

let principal: Principal;
const cleanups: (() => Promise<void> | void)[] = [];

beforeEach(async () => {
  const store = createMemoryStore();
  principal = createPrincipal({ store, acceptors: [] });
  await principal.start();
  cleanups.push(() => principal.stop());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options: Partial<ApiServerOptions>): Promise<string> {
  const server = createApiServer({ principal, port: 0, token: TOKEN, ...options });
  cleanups.push(() => server.stop());
  return `http://127.0.0.1:${(await server.start()).port}`;
}

it("observers that throw, whatever they are told, keep nobody from an answer and no stream or connection from its place", async () => {
  const told: string[] = [];
  const throwing =
    (what: string) =>
    (...args: unknown[]): never => {
      told.push([what, ...args].join(" "));
      thrower();
    };
  const lines: { readonly msg: string }[] = [];
  const logger = entryLogger("info", (entry) => lines.push(entry));
  const url = await serve({
    runtime: systemRuntime(logger),
    maxStreams: 1,
    maxConnections: 4,
    metrics: {
      contentType: "text/plain",
      text: async () => "",
      observer: { rejected: throwing("rejected") },
      streams: { open: throwing("open"), refused: throwing("refused"), gap: throwing("gap") },
      requests: {
        refused: throwing("request refused"),
        open: throwing("connections"),
        crowdedOut: throwing("crowded out"),
      },
    },
  });
  const get = (path: string, headers: Record<string, string> = AUTHORIZED): Promise<Response> =>
    fetch(`${url}${path}`, { headers: { ...headers, connection: "close" } });

  expect((await get("/v1/status", {})).status).toBe(401);
  const event = fetch(`${url}/v1/agents/a/events`, { method: "POST", headers: AUTHORIZED, body: "no event" });
  expect((await event).status).toBeGreaterThanOrEqual(400);
  // More than there are streams, one after the other: each gives its place back.
  for (let count = 0; count < 3; count += 1) {
    const stream = await get("/v1/streams/events", { ...AUTHORIZED, "last-event-id": "unknown-1" });
    expect(stream.status).toBe(200);
    expect((await get("/v1/streams/agents")).status).toBe(503);
    const closed = count + 1;
    await stream.body?.cancel();
    await until(() => told.filter((each) => each === "open events 0").length === closed);
  }
  const sockets = Array.from({ length: 8 }, () => connect(Number(new URL(url).port), "127.0.0.1"));
  for (const socket of sockets) {
    cleanups.push(() => void socket.destroy());
    socket.on("error", () => {});
  }
  await Promise.all(sockets.slice(0, 4).map((socket) => once(socket, "close")));
  for (const socket of sockets) socket.destroy();
  await until(() => told.at(-1) === "connections 0");
  expect((await get("/v1/status")).status).toBe(200);
  for (const what of ["rejected a", "request refused 401", "open events 1", "refused agents overloaded"])
    expect(told.filter((each) => each.startsWith(what))).not.toEqual([]);
  expect(told).toContain("gap events unknown_id");
  expect(told).toContain("crowded out");
  expect(lines.filter(({ msg }) => msg === "an observer threw").length).toBe(told.length);
});

const BROKEN: Readonly<Record<string, PrincipalMetricsSource>> = {
  agents: { agents: thrower },
  "pages of agents": { agents: () => Promise.reject(new Error("a fault of the store")) },
  listener: Object.defineProperty({ agents: async () => [] }, "listener", { get: thrower }),
  load: Object.defineProperty({ agents: async () => [] }, "load", { get: thrower }),
};

it.each(Object.entries(BROKEN))("a scrape whose %s cannot be read ends alone", async (_, source) => {
  const metrics = createPrincipalMetrics();
  const url = await serve({ metrics });
  const scrape = async (): Promise<number> => {
    const response = await fetch(`${url}/metrics`, { headers: AUTHORIZED });
    await response.text();
    return response.status;
  };
  metrics.watch(source);
  const [one, other, status] = await Promise.all([
    scrape(),
    scrape(),
    fetch(`${url}/v1/status`, { headers: AUTHORIZED }),
  ]);
  expect([one, other]).toEqual(one === 200 ? [200, 200] : [500, 500]);
  expect(status.status).toBe(200);
  metrics.watch({ agents: async () => [] });
  expect(await scrape()).toBe(200);
});
