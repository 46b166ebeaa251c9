import { createAgent, type Agent } from "@hawser/agent";
import { systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BodyBudget } from "../event-socket/body-budget.js";
import { EventIntake } from "../event-socket/event-intake.js";
import { EventSocket } from "../event-socket/event-socket.js";
import { runSend, type SendEnvironment } from "./send-command.js";

const runtime = systemRuntime();
const DOOR = ["--type", "com.example.door", "--resource", "door_1"];

let directory: string;
let path: string;
let published: Readonly<Record<string, unknown>>[];
const cleanups: (() => Promise<unknown> | void)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-send-"));
  path = join(directory, "agent.sock");
  published = [];
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(directory, { recursive: true, force: true });
});

async function listen(maxEntries = 100): Promise<EventSocket> {
  const store = createMemoryStore({ limits: { maxEntries } });
  await store.start();
  cleanups.push(() => store.stop());
  const agent = createAgent({ name: "edge-1", store, dialer: createMemoryTransport().dialer });
  const publish: Agent["publish"] = (event, options) => {
    published.push({ ...event });
    return agent.publish(event, options);
  };
  const intake = new EventIntake({ name: "edge-1", state: { kind: "stopped" }, publish }, new BodyBudget());
  const socket = new EventSocket({ place: { option: "--socket", path, mode: 0o600 }, intake, runtime });
  await socket.start();
  cleanups.push(() => socket.stop());
  return socket;
}

/** Whoever has the socket, and is no agent. */
async function impostor(answer: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    cleanups.push(() => void socket.destroy());
    answer(socket);
  });
  server.listen(path);
  await once(server, "listening");
  cleanups.push(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return server;
}

interface Ran {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

async function run(args: readonly string[], environment: Partial<SendEnvironment> = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runSend(args, {
    runtime,
    env: {},
    input: Readable.from([]),
    inputIsTerminal: false,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    interrupted: new AbortController().signal,
    ...environment,
  });
  return { code, out, err };
}

describe("hawser-agent send", () => {
  it("sends what flags say, as the agent by default", async () => {
    await listen();
    const ran = await run([
      "--socket",
      path,
      ...DOOR,
      "--subject=front",
      '--data={"open":true}',
      "--extension=expirytime=2030-01-01T00:00:00Z",
    ]);
    expect(ran).toEqual({ code: 0, out: ["door_1 accepted, version 1"], err: [] });
    expect(published).toEqual([
      {
        specversion: "1.0",
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        source: "hawser/agent/edge-1",
        type: "com.example.door",
        resourceid: "door_1",
        subject: "front",
        expirytime: "2030-01-01T00:00:00Z",
        datacontenttype: "application/json",
        data: { open: true },
      },
    ]);
  });

  it("finds the agent by its directory, its name, or the variables of the service", async () => {
    await listen();
    expect((await run(["--data-dir", directory, ...DOOR])).code).toBe(0);
    expect((await run(DOOR, { env: { HAWSER_AGENT_SOCKET: path, HAWSER_AGENT_URL: "ws://a:1" } })).code).toBe(
      0,
    );
    expect((await run(DOOR, { env: { HAWSER_AGENT_DATA_DIR: directory } })).code).toBe(0);
    expect((await run(["--name", "nobody", ...DOOR])).err).toEqual([
      expect.stringContaining(`there is no socket ${join(".hawser", "agent-nobody", "agent.sock")}`),
    ]);
    expect(await run(DOOR)).toMatchObject({ code: 2, err: [expect.stringContaining("which agent")] });
  });

  it("says that the same id and source were accepted before", async () => {
    await listen();
    const args = ["--socket", path, ...DOOR, "--id", "1", "--source", "/door"];
    expect((await run(args)).out).toEqual(["door_1 accepted, version 1"]);
    expect((await run(args)).out).toEqual(["door_1 was accepted before, version 1"]);
  });

  it.each([
    ["one event", (one: string, _other: string) => one, 1],
    ["a list", (one: string, other: string) => `[${one},${other}]`, 2],
    ["JSON Lines", (one: string, other: string) => `${one}\n${other}\n`, 2],
  ])("sends %s from standard input and from a file", async (_, written, count) => {
    await listen();
    const event = (id: string): string =>
      JSON.stringify({ specversion: "1.0", id, source: "/s", type: "t", resourceid: "a_1" });
    const text = written(event("1"), event("2"));
    const piped = await run(["--socket", path, "-o", "jsonl"], { input: Readable.from([text]) });
    expect(piped.out.map((line) => JSON.parse(line))).toMatchObject(
      Array.from({ length: count }, (_each, index) => ({ eventid: String(index + 1), duplicate: false })),
    );
    const file = join(directory, "events");
    await writeFile(file, text);
    expect(await run(["--socket", path, "--file", file])).toMatchObject({ code: 0, err: [] });
    expect(published).toHaveLength(2 * count);
  });

  it("sends a line as soon as it is there, and ends at Ctrl-C", async () => {
    await listen();
    const input = new PassThrough();
    const interrupt = new AbortController();
    const running = run(["--socket", path], { input, interrupted: interrupt.signal });
    input.write('{"specversion":"1.0","id":"1","source":"/s","type":"t","resourceid":"a_1"}\n');
    await expect.poll(() => published.length).toBe(1);
    interrupt.abort();
    expect(await running).toMatchObject({
      code: 130,
      out: ["a_1 accepted, version 1"],
      err: ["hawser-agent: interrupted"],
    });
  });

  it("tells which of several were refused, and sends the others", async () => {
    await listen(2);
    const lines = ["1", "bad", "2", "3"].map((id) =>
      JSON.stringify({
        specversion: "1.0",
        id,
        source: "/s",
        type: id === "bad" ? "" : "t",
        resourceid: "a_1",
      }),
    );
    const ran = await run(["--socket", path], { input: Readable.from([lines.join("\n")]) });
    expect(ran.code).toBe(1);
    expect(ran.out).toHaveLength(2);
    expect(ran.err).toEqual([
      expect.stringContaining("event 2: invalid_event"),
      expect.stringContaining("event 4: mailbox_full"),
    ]);
  });

  it.each([
    ["a flag nobody knows", ["--socket", "s", "--colour"]],
    ["no type", ["--socket", "s", "--resource", "a_1"]],
    ["data twice", ["--socket", "s", ...DOOR, "--data", "1", "--data-file", "-"]],
    ["a whole event and parts of one", ["--socket", "s", "--file", "-", "--id", "1"]],
    ["an extension that is none", ["--socket", "s", ...DOOR, "--source", "/s", "--extension", "A=1"]],
    ["a timeout without a unit", ["--socket", "s", ...DOOR, "--timeout", "5"]],
    ["a file that is not there", ["--socket", "s", "--file", "/no/such"]],
    ["a path that no socket can have", ["--socket", `/${"a".repeat(200)}`, ...DOOR]],
  ])("ends with 2 for %s", async (_, args) => {
    if (args.includes("--resource") && !args.includes("--type")) await listen();
    const ran = await run(args.map((arg) => (arg === "s" ? path : arg)));
    expect(ran.code).toBe(2);
    expect(ran.err.join("")).toMatch(/^hawser-agent: /);
  });

  it("shows how", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(0);
    expect(out.join("\n")).toContain("3 no agent answers");
  });
});

describe("an agent that does not answer", () => {
  const args = (): readonly string[] => ["--socket", path, ...DOOR, "--source", "/s", "--id", "1"];

  it("is one that never ran there", async () => {
    expect(await run(args())).toMatchObject({
      code: 3,
      err: [expect.stringContaining("no agent runs there")],
    });
  });

  it("is one that has ended and left its socket", async () => {
    const server = await impostor(() => {});
    // Closing would take the file away, as an agent that was killed does not.
    await rename(path, `${path}.kept`);
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    await rename(`${path}.kept`, path);
    expect(await run(args())).toMatchObject({ code: 3, err: [expect.stringContaining("has ended")] });
  });

  it("is asked again when the connection breaks off, and then it is said what to do", async () => {
    let tries = 0;
    await impostor((socket) => {
      tries += 1;
      socket.once("data", () => socket.destroy());
    });
    const ran = await run(args(), { runtime: { ...runtime, random: { ...runtime.random, next: () => 0 } } });
    expect(ran).toMatchObject({ code: 3, err: [expect.stringContaining("may have been accepted")] });
    expect(tries).toBe(6);
  });

  it("is waited for no longer than was said", async () => {
    await impostor(() => {});
    expect(await run([...args(), "--timeout", "50ms"])).toMatchObject({
      code: 3,
      err: [expect.stringContaining("did not answer within 50 ms")],
    });
  });

  it("is somebody else", async () => {
    await impostor((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"));
    const ran = await run([...args(), "--output", "jsonl"]);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.err[0] ?? "")).toEqual({
      error: { message: expect.stringContaining("does not answer like a Hawser agent"), exitCode: 1 },
    });
  });
});
