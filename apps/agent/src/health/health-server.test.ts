import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { AgentState } from "@hawser/agent";
import { silentLogger, systemClock } from "@hawser/runtime";
import { expect, it, onTestFinished } from "vitest";
import { createHealthServer, MAX_HEALTH_CONNECTIONS, tryHealthPort } from "./health-server.js";

async function serve(state: AgentState = { kind: "restoring" }) {
  const place = { state };
  const server = createHealthServer({
    agent: () => place,
    metrics: { text: async () => "hawser_agent_info 1\n", contentType: "text/plain; version=0.0.4" },
    listen: { host: "127.0.0.1", port: 0 },
    runtime: { clock: systemClock, logger: silentLogger },
  });
  const { port } = await server.start();
  onTestFinished(() => server.stop());
  const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
  return { place, server, port, ask };
}

it("refuses a second start by name, and can be started again after one that failed", async () => {
  const { server, port, ask } = await serve();
  await expect(server.start()).rejects.toMatchObject({ code: "invalid_state" });
  expect((await ask("/livez")).status).toBe(200);
  const other = createHealthServer({
    agent: () => ({ state: { kind: "restoring" } }),
    metrics: { text: async () => "", contentType: "text/plain" },
    listen: { host: "127.0.0.1", port },
    runtime: { clock: systemClock, logger: silentLogger },
  });
  for (let round = 0; round < 2; round += 1)
    await expect(other.start()).rejects.toMatchObject({ code: "port_in_use" });
});

/** One that has said this much, and has no more to say. */
async function connected(port: number, said = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  onTestFinished(() => void socket.destroy());
  socket.resume();
  await once(socket, "connect");
  socket.write(said);
  return socket;
}

it("lives while the process does, is ready while it is connected, and says no more than the state", async () => {
  const { place, ask } = await serve();
  const ready = async (): Promise<readonly unknown[]> => {
    const answer = await ask("/readyz");
    return [answer.status, await answer.json()];
  };
  expect(await (await ask("/livez")).json()).toEqual({ status: "alive" });
  expect(await ready()).toEqual([503, { state: "restoring" }]);
  place.state = {
    kind: "connected",
    transport: "grpc",
    sessionId: "s",
    epoch: 1,
    principalSoftware: "p",
    since: 0,
  };
  expect(await ready()).toEqual([200, { state: "connected" }]);
  place.state = { kind: "stopping", since: 0 };
  expect(await ready()).toEqual([503, { state: "stopping" }]);
});

it("gives the metrics to whoever reads, and closes the connection behind each answer", async () => {
  const { ask } = await serve();
  const metrics = await ask("/metrics?format=x");
  expect([metrics.status, metrics.headers.get("content-type"), metrics.headers.get("connection")]).toEqual([
    200,
    "text/plain; version=0.0.4",
    "close",
  ]);
  expect(await metrics.text()).toBe("hawser_agent_info 1\n");
  expect((await ask("/metrics", { method: "HEAD" })).status).toBe(200);
  for (const [path, method] of [
    ["/metrics", "POST"],
    ["/", "GET"],
    ["/v1/agents", "GET"],
  ] as const)
    expect((await ask(path, { method })).status).toBe(404);
});

it("answers no page of elsewhere, whatever name brought it here", async () => {
  const { port, ask } = await serve();
  expect((await ask("/metrics", { headers: { origin: "https://evil.example" } })).status).toBe(403);
  const rebound = await connected(port, "GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n");
  const [answer] = await once(rebound, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 403 /);
});

it.each([
  ["nothing", ""],
  ["half a head", "GET /livez HT"],
  ["half a body", "POST /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nx"],
  ["no HTTP", "\u0000\u0001\u0002\r\n\r\n"],
])("ends a connection that says %s, and goes on", async (_what, said) => {
  const { port, ask } = await serve();
  const socket = await connected(port, said);
  await once(socket, "close");
  expect((await ask("/livez")).status).toBe(200);
});

it("takes one more connection in the place of the oldest", async () => {
  const { port, ask } = await serve();
  const oldest = await connected(port);
  const gone = once(oldest, "close");
  const others: Socket[] = [];
  for (let n = 1; n < MAX_HEALTH_CONNECTIONS; n += 1) others.push(await connected(port));
  expect((await ask("/livez")).status).toBe(200);
  await gone;
});

it("stops at once, whoever is connected, and can be started again", async () => {
  const { server, port, ask } = await serve();
  const socket = await connected(port);
  const gone = once(socket, "close");
  await server.stop();
  await gone;
  await server.stop();
  await expect(ask("/livez")).rejects.toThrow();
  const again = await server.start();
  expect((await fetch(`http://127.0.0.1:${again.port}/livez`)).status).toBe(200);
});

it("says which flag names a port that cannot be had, at a try as at a start", async () => {
  const { port } = await serve();
  const taken = { code: "port_in_use", message: expect.stringContaining("--health-listen 127.0.0.1") };
  await expect(tryHealthPort({ host: "127.0.0.1", port })).rejects.toMatchObject(taken);
  const nowhere = {
    code: "address_unavailable",
    message: expect.stringContaining("--health-listen 192.0.2.1"),
  };
  await expect(tryHealthPort({ host: "192.0.2.1", port: 0 })).rejects.toMatchObject(nowhere);
  await tryHealthPort({ host: "127.0.0.1", port: 0 });
});
