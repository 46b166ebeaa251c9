import { BY_SESSION } from "../testing/held-by.js";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRuntime, type Runtime } from "@hawser/runtime";
import { createMemoryDisk, createMemoryStore, type MemoryDisk, type Store } from "@hawser/store";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createEventLog } from "../event-log/stored-event-log.js";
import type { EventLog } from "../event-log/event-log.js";
import { createSinks } from "./stored-sinks.js";
import { MAX_SINKS, type Sinks } from "./sinks.js";

const FILE = { target: { kind: "file" } } as const;

let directory: string;
let disk: MemoryDisk;
let store: Store;
let log: EventLog;
let sinks: Sinks;
let server: Server;
let url: string;
let status: number;
let received: string[];
let sent = 0;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-sinks-"));
  disk = createMemoryDisk();
  status = 204;
  received = [];
  sent = 0;
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      if (status < 300) received.push((JSON.parse(body) as { id: string }).id);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await start();
});
afterEach(async () => {
  await stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

/** Fifty times as fast, so that what waits for its next try does not have to be waited for. */
function hurried(): Runtime {
  const { clock, timers, ...rest } = systemRuntime();
  return {
    ...rest,
    clock: { now: () => clock.now() * 50, wallTime: () => clock.wallTime() },
    timers: {
      soon: (callback) => timers.soon(callback),
      after: (ms, callback) => timers.after(ms / 50, callback),
    },
  };
}

async function start(): Promise<void> {
  store = createMemoryStore({ disk });
  log = createEventLog({ store });
  sinks = createSinks({ log, store, directory, allowLocal: true, runtime: hurried() });
  await log.start();
  await sinks.start();
}

async function stop(): Promise<void> {
  await sinks.stop();
  await log.stop();
}

async function send(resourceid = "lamp_1"): Promise<string> {
  sent += 1;
  const event = {
    specversion: "1.0" as const,
    id: `id-${sent}`,
    source: "test",
    type: "com.example.happened",
    resourceid,
    eventid: String(sent),
  };
  await log.onEvent({ agent: "edge-1", event, attempt: 1, ...BY_SESSION });
  return event.id;
}

async function lines(name: string): Promise<readonly string[]> {
  const text = await readFile(join(directory, `${name}.jsonl`), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { id: string }).id);
}

const caughtUp = (name: string): Promise<void> =>
  vi.waitFor(async () => expect(await sinks.get(name)).toMatchObject({ lag: 0, oldestAt: undefined }));

const webhook = (): { target: { kind: "webhook"; url: string; timeoutMs: number } } => ({
  target: { kind: "webhook", url, timeoutMs: 600_000 },
});

describe("sinks", () => {
  it("begin with what is to come, or with the oldest there is, and are there after a restart, where they were", async () => {
    await send();
    expect(await sinks.put("new", FILE)).toMatchObject({ created: true, sink: { position: 1, lag: 0 } });
    await sinks.put("all", FILE, { from: "oldest" });
    await send();
    for (const name of ["new", "all"]) await caughtUp(name);
    await stop();
    await start();
    await send();
    for (const name of ["new", "all"]) await caughtUp(name);
    expect(await lines("new")).toEqual(["id-2", "id-3"]);
    expect(await lines("all")).toEqual(["id-1", "id-2", "id-3"]);
    expect((await sinks.list()).map(({ name }) => name)).toEqual(["all", "new"]);
  });

  it("say what they are without their secrets", async () => {
    const secret = `whsec_${Buffer.alloc(32).toString("base64")}`;
    const request = {
      target: { kind: "webhook", url, secret, headers: { authorization: "Bearer hidden" } },
    } as const;
    const { sink } = await sinks.put("hook", request);
    expect(JSON.stringify(sink)).not.toMatch(/hidden|whsec/);
    expect(sink).toMatchObject({
      target: {
        kind: "webhook",
        url,
        mode: "structured",
        isSigned: true,
        headers: ["authorization"],
        timeoutMs: 10_000,
      },
      filter: { types: [], sources: [], agents: [] },
      giveUpAfterMs: 86_400_000,
      state: "delivering",
    });
  });

  it("wait for each other for nothing", async () => {
    status = 500;
    await sinks.put("hook", webhook());
    await sinks.put("file", FILE);
    for (let count = 0; count < 5; count += 1) await send();
    await caughtUp("file");
    expect(await lines("file")).toHaveLength(5);
    await vi.waitFor(async () =>
      expect(await sinks.get("hook")).toMatchObject({
        state: "failing",
        lag: 5,
        failure: { message: "answered 500" },
      }),
    );
  });

  it("deliver nothing while they are paused, over a restart as well, and go on from there", async () => {
    await sinks.put("hook", webhook());
    expect(await sinks.setPaused("hook", true)).toMatchObject({ state: "paused" });
    await send();
    await stop();
    await start();
    await send();
    expect(await sinks.get("hook")).toMatchObject({
      state: "paused",
      lag: 2,
      position: 0,
      oldestAt: expect.any(Number),
    });
    expect(received).toEqual([]);
    await sinks.setPaused("hook", false);
    await caughtUp("hook");
    expect(received).toEqual(["id-1", "id-2"]);
  });

  it("change where they are, without missing anything", async () => {
    await sinks.put("hook", webhook());
    await send();
    await caughtUp("hook");
    expect(await sinks.put("hook", { ...webhook(), paused: true })).toMatchObject({ created: false });
    await send();
    await sinks.put("hook", { target: { ...webhook().target, mode: "structured" } });
    await caughtUp("hook");
    expect(received).toEqual(["id-1", "id-2"]);
    await expect(sinks.put("hook", FILE, { mustBeNew: true })).rejects.toMatchObject({ code: "conflict" });
  });

  it("keep what was given up, deliver it again when asked to, or throw it away", async () => {
    status = 422;
    await sinks.put("hook", { ...webhook(), giveUpAfterMs: 1_000 });
    await send();
    await send("other_1");
    await vi.waitFor(async () => expect(await sinks.get("hook")).toMatchObject({ deadLetters: 2, lag: 0 }), {
      timeout: 10_000,
    });
    const letters = await sinks.deadLetters("hook", { limit: 10 });
    const looped: unknown[] = [];
    for await (const letter of sinks.allDeadLetters("hook", { pageSize: 1 })) looped.push(letter);
    expect(looped).toEqual(letters);
    expect(letters).toMatchObject([
      {
        position: expect.any(Number),
        agent: "edge-1",
        message: "answered 422",
        type: "com.example.happened",
      },
      { agent: "edge-1" },
    ]);
    await stop();
    await start();
    status = 204;
    const [first, second] = letters;
    await sinks.requeue("hook", first?.id ?? "");
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await expect(sinks.requeue("hook", first?.id ?? "")).rejects.toMatchObject({ code: "not_found" });
    await sinks.discard("hook", second?.id ?? "");
    await expect(sinks.discard("hook", second?.id ?? "")).rejects.toMatchObject({ code: "not_found" });
    expect(await sinks.deadLetters("hook", { limit: 10 })).toEqual([]);
  });

  it("are removed only once they are through, unless that is forced, and leave nothing behind", async () => {
    status = 500;
    await sinks.put("hook", webhook());
    await send();
    await expect(sinks.remove("hook")).rejects.toMatchObject({ code: "conflict" });
    await sinks.remove("hook", { force: true });
    expect(await sinks.list()).toEqual([]);
    await stop();
    await start();
    expect(await sinks.list()).toEqual([]);
    expect((await store.peers({ limit: 100 })).map(({ peer }) => peer)).toEqual(["log", "sinks"]);
    expect(await sinks.put("hook", webhook())).toMatchObject({ created: true, sink: { position: 1 } });
  });

  it("are tested without an event of the log", async () => {
    await sinks.put("hook", webhook());
    await sinks.put("file", FILE);
    expect(await sinks.test("hook")).toMatchObject({ ok: true, message: undefined });
    expect(await sinks.test("file")).toMatchObject({ ok: true });
    status = 403;
    expect(await sinks.test("hook")).toMatchObject({ ok: false, message: "answered 403" });
    expect(received).toHaveLength(1);
    await expect(sinks.test("none")).rejects.toMatchObject({ code: "not_found" });
  });

  it("pause where the receiver is gone for good", async () => {
    status = 410;
    await sinks.put("hook", webhook());
    await send();
    await vi.waitFor(async () => expect(await sinks.get("hook")).toMatchObject({ state: "paused", lag: 1 }));
  });

  it("have names and a number that are bounded", async () => {
    for (const name of ["", "A", "a/b", "-a", "a".repeat(64), "../x"])
      await expect(sinks.put(name, FILE)).rejects.toMatchObject({ code: "invalid_message" });
    for (let count = 0; count < MAX_SINKS; count += 1) await sinks.put(`s${count}`, FILE);
    await expect(sinks.put("more", FILE)).rejects.toMatchObject({ code: "overloaded" });
  });
});
