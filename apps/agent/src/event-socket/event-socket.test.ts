import { createAgent, type Agent } from "@hawser/agent";
import { MAX_BATCH_BYTES, MAX_BODY_BYTES } from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";
import { systemRuntime } from "@hawser/runtime";
import { createMemoryStore, type Store } from "@hawser/store";
import { createMemoryTransport, DEFAULT_UNIX_SOCKET_MODE } from "@hawser/transport";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BodyBudget } from "./body-budget.js";
import { EventIntake } from "./event-intake.js";
import { EventSocket, type EventSocketOptions } from "./event-socket.js";

const runtime = systemRuntime();
const STRUCTURED = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";

let directory: string;
let path: string;
let store: Store;
let agent: Agent;
const cleanups: (() => Promise<unknown> | void)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-socket-"));
  path = join(directory, "agent.sock");
  await begin({ maxEntries: 4 });
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(directory, { recursive: true, force: true });
});

async function begin(limits: { readonly maxEntries: number }): Promise<void> {
  store = createMemoryStore({ limits });
  await store.start();
  agent = createAgent({ name: "edge-1", store, dialer: createMemoryTransport().dialer });
  cleanups.push(() => store.stop());
}

async function open(
  options: Partial<EventSocketOptions> & {
    readonly publish?: Agent["publish"];
    readonly budget?: BodyBudget;
  } = {},
): Promise<EventSocket> {
  const publish: Agent["publish"] = options.publish ?? ((event, how) => agent.publish(event, how));
  const intake = new EventIntake(
    { name: "edge-1", state: { kind: "stopped" }, publish },
    options.budget ?? new BodyBudget(),
  );
  const socket = new EventSocket({
    place: { option: "--socket", path, mode: DEFAULT_UNIX_SOCKET_MODE },
    intake,
    runtime,
    ...options,
  });
  await socket.start();
  cleanups.push(() => socket.stop());
  return socket;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

async function ask(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): Promise<Answer> {
  const sent = request({ socketPath: path, method, path: target, headers, agent: false });
  sent.on("error", () => {});
  sent.end(body);
  const [incoming] = await once(sent, "response");
  return { status: incoming.statusCode, headers: incoming.headers, body: JSON.parse(await text(incoming)) };
}

function event(id: string, more: object = {}): object {
  return { specversion: "1.0", id, source: "/test", type: "com.example.ping", resourceid: "web_1", ...more };
}

function typed(type: string): string {
  return JSON.stringify(event("1", { type, subject: "Web/web", data: { kind: "Web" } }));
}

function send(...events: readonly object[]): Promise<Answer> {
  const [only] = events;
  return events.length === 1
    ? ask("POST", "/v1/events", { "content-type": STRUCTURED }, JSON.stringify(only))
    : ask("POST", "/v1/events", { "content-type": BATCH }, JSON.stringify(events));
}

/** A raw connection, and everything that came over it by its end. */
async function raw(): Promise<{ readonly socket: Socket; readonly ended: Promise<string> }> {
  const socket = connect(path);
  const ended = (async () => {
    let all = "";
    socket.on("data", (chunk: Buffer) => (all += chunk.toString("latin1")));
    socket.on("error", () => {});
    await once(socket, "close");
    return all;
  })();
  await once(socket, "connect");
  return { socket, ended };
}

describe("events of programs", () => {
  beforeEach(() => open());

  it("are answered 202 in structured mode, and once for the same source and id", async () => {
    expect(await send(event("1"))).toMatchObject({
      status: 202,
      body: { resourceid: "web_1", eventid: "1", duplicate: false },
    });
    expect(await send(event("1"))).toMatchObject({ body: { eventid: "1", duplicate: true } });
    expect(await send(event("1", { source: "/other" }))).toMatchObject({ body: { eventid: "2" } });
  });

  it("are answered 202 in binary mode", async () => {
    const attributes = Object.entries(event("b")).map(([name, value]) => [`ce-${name}`, String(value)]);
    const headers = { ...Object.fromEntries(attributes), "content-type": "text/plain" };
    expect(await ask("POST", "/v1/events", headers, "ahoy")).toMatchObject({ status: 202 });
  });

  it("are each accepted or refused in a batch, in its order", async () => {
    const { status, body } = await send(event("1"), { id: "2" }, event("3"), event("1"));
    expect(status).toBe(202);
    expect(body).toMatchObject({
      items: [
        { eventid: "1", duplicate: false },
        { error: { code: "invalid_event", type: "urn:hawser:error:invalid_event" } },
        { eventid: "2", duplicate: false },
        { eventid: "1", duplicate: true },
      ],
    });
  });

  it("are refused with a problem where the mailbox is full, and taken again once there is room", async () => {
    for (const id of ["1", "2", "3", "4"]) expect(await send(event(id))).toMatchObject({ status: 202 });
    expect(await send(event("5"))).toMatchObject({
      status: 429,
      headers: { "content-type": "application/problem+json", "retry-after": "5" },
      body: { code: "mailbox_full", requestId: expect.any(String) },
    });
    expect(await send(event("1"))).toMatchObject({ status: 202, body: { duplicate: true } });
  });

  it.each([
    ["a type that is nobody's", STRUCTURED, typed("hawser.x"), 400, "unknown_type"],
    ["a status, which handlers report", STRUCTURED, typed("hawser.resource.status.v1"), 400, "invalid_event"],
    ["no resourceid", STRUCTURED, JSON.stringify(event("1", { resourceid: "" })), 400, "missing_resourceid"],
    ["what is no JSON", STRUCTURED, "{", 400, "invalid_event"],
    ["what is no event", "text/plain", "ahoy", 415, "invalid_event"],
    ["a body that is too large", STRUCTURED, " ".repeat(MAX_BODY_BYTES + 1), 413, "event_too_large"],
    ["a batch that is too large", BATCH, " ".repeat(MAX_BATCH_BYTES + 1), 413, "event_too_large"],
  ])("are refused for %s", async (_, type, body, status, code) => {
    expect(await ask("POST", "/v1/events", { "content-type": type }, body)).toMatchObject({
      status,
      body: { code },
    });
    expect(await send(event("after"))).toMatchObject({ status: 202 });
  });

  it("go to one place, and another says whose socket it is", async () => {
    expect(await ask("GET", "/v1/info")).toMatchObject({
      status: 200,
      body: { name: "edge-1", state: "stopped", version: expect.any(String) },
    });
    expect(await ask("GET", "/v1/events")).toMatchObject({ status: 405, headers: { allow: "POST" } });
    expect(await ask("POST", "/")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });
});

it.each([
  ["store_full", 507, "60"],
  ["store_unavailable", 503, "1"],
] as const)("answers %s of the store as the principal's API does", async (code, status, retryAfter) => {
  await open({ publish: () => Promise.reject(new HawserError(code, "no room")) });
  expect(await send(event("1"))).toMatchObject({
    status,
    headers: { "retry-after": retryAfter },
    body: { code, detail: "no room" },
  });
});

it("names a fault of its own by its code alone", async () => {
  await open({ publish: () => Promise.reject(new TypeError("secret")) });
  expect(await send(event("1"))).toMatchObject({
    status: 500,
    body: { code: "internal", detail: "the agent failed; its log says why" },
  });
});

it("takes no more bytes at once than its budget, and takes them again afterwards", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let entered: () => void = () => {};
  const busy = new Promise<void>((resolve) => (entered = resolve));
  await open({
    budget: new BodyBudget(400),
    publish: async (given, how) => {
      entered();
      await held;
      return agent.publish(given, how);
    },
  });
  const first = send(event("1", { data: "x".repeat(200) }));
  await busy;
  expect(await send(event("2", { data: "x".repeat(200) }))).toMatchObject({
    status: 503,
    headers: { "retry-after": "5" },
    body: { code: "overloaded" },
  });
  release();
  expect(await first).toMatchObject({ status: 202 });
  expect(await send(event("2", { data: "x".repeat(200) }))).toMatchObject({ status: 202 });
});

describe("a program that is silent", () => {
  const deadlines = { headersMs: 50, requestMs: 100, idleMs: 50, readingMs: 1_000 };

  it.each([
    ["before its request", ""],
    ["in the headers", "POST /v1/events HTTP/1.1\r\nhost: a\r\n"],
    [
      "in the body",
      `POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-type: ${STRUCTURED}\r\ncontent-length: 9\r\n\r\n{`,
    ],
  ])("%s is cut off with 408", async (_, sent) => {
    await open({ deadlines });
    const { socket, ended } = await raw();
    socket.write(sent);
    expect(await ended).toMatch(/^HTTP\/1\.1 408 /);
    expect(await send(event("1"))).toMatchObject({ status: 202 });
  });

  it("between two requests is let go", async () => {
    await open({ deadlines });
    const { socket, ended } = await raw();
    socket.write("GET /v1/info HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(await ended).toMatch(/^HTTP\/1\.1 200 /);
  });
});

it.each([
  "\r\n\r\n\u0000\u0001",
  "GET / HTTP/9.9\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
  "GET // HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  "POST /v1/events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
  `GET /${"a".repeat(70_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
])("a program that sends %j ends its own connection alone", async (sent) => {
  await open({ deadlines: { headersMs: 200, requestMs: 200, idleMs: 50, readingMs: 1_000 } });
  const { socket, ended } = await raw();
  socket.write(sent, "latin1");
  await ended;
  expect(await send(event("1"))).toMatchObject({ status: 202 });
});

it("a program that breaks off in the middle is forgotten with its bytes", async () => {
  const budget = new BodyBudget(300);
  await open({ budget });
  const { socket, ended } = await raw();
  socket.write(
    `POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-type: ${STRUCTURED}\r\ncontent-length: 299\r\n\r\n`,
  );
  socket.write("x".repeat(250));
  await expect.poll(() => send(event("1"))).toMatchObject({ status: 503 });
  socket.destroy();
  await ended;
  await expect.poll(() => send(event("1"))).toMatchObject({ status: 202 });
});

it("answers one request of a connection after the other, and cuts off who does not wait", async () => {
  await open();
  const { socket, ended } = await raw();
  const info = "GET /v1/info HTTP/1.1\r\nhost: a\r\n\r\n";
  socket.write(info);
  await once(socket, "data");
  socket.write(info);
  await once(socket, "data");
  socket.write(info.repeat(1_000));
  expect((await ended).match(/HTTP\/1\.1 200 /g)?.length).toBeLessThanOrEqual(3);
  expect(await send(event("1"))).toMatchObject({ status: 202 });
});

it("closes connections beyond its limit, and takes new ones when others have gone", async () => {
  await open({ maxConnections: 1 });
  const first = await raw();
  const second = await raw();
  expect(await second.ended).toBe("");
  first.socket.destroy();
  await expect.poll(() => send(event("1")).catch(() => undefined)).toMatchObject({ status: 202 });
});

describe.skipIf(process.platform === "win32")("the socket", () => {
  it("is the owner's alone, and goes with its stop", async () => {
    const socket = await open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await socket.stop();
    expect(existsSync(path)).toBe(false);
  });

  it("is there for the group where that is asked for", async () => {
    const gid = process.getegid?.();
    await open({ place: { option: "--socket", path, mode: 0o660, gid } });
    expect(statSync(path)).toMatchObject({ gid });
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  it("of a living agent is refused, and left alone", async () => {
    await open();
    await expect(open()).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringContaining("set --socket to another file"),
    });
    expect(await send(event("1"))).toMatchObject({ status: 202 });
  });

  it("stops although a program never ends its request", async () => {
    const socket = await open();
    const { socket: program, ended } = await raw();
    program.write("POST /v1/events HTTP/1.1\r\nhost: a\r\n");
    await socket.stop();
    expect(await ended).toBe("");
  });

  it.skipIf(process.geteuid?.() === 0)("says so where it may not be made", async () => {
    await chmod(directory, 0o500);
    cleanups.push(() => chmod(directory, 0o700));
    await expect(open()).rejects.toMatchObject({ code: "address_unavailable" });
  });
});
