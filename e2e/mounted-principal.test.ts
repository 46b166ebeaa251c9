import { createAgent, type Agent } from "@hawser/agent";
import { createPrincipal, type Principal, type PrincipalOptions } from "@hawser/principal";
import { systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createWebSocketAcceptor, createWebSocketDialer, SUBPROTOCOLS } from "@hawser/transport-ws";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { becomes, eventually } from "./support/eventually.js";
import { plainEnvironment } from "./support/programs.js";
import { ROOT, TypeScriptExamples } from "./support/typescript-examples.js";

// Agents, and the API, on the HTTP server that a program has already.

describe("agents on a server that is there already", () => {
  interface Host {
    readonly server: Server;
    readonly principal: Principal;
    readonly origin: string;
  }

  async function hostOf(options: Partial<PrincipalOptions> = {}): Promise<Host> {
    const store = createMemoryStore();
    await store.start();
    const principal = createPrincipal({
      store,
      acceptors: [createWebSocketAcceptor({ basePath: "/agents" })],
      listen: { by: "upgrade", admission: { rampMs: 0 } },
      authenticate: () => ({ ok: true }),
      stop: { windowMs: 0 },
      runtime: systemRuntime(),
      ...options,
    });
    const own = new WebSocketServer({ noServer: true });
    own.on("connection", (chat) =>
      chat.on("message", (data: Buffer) => chat.send(`echo ${data.toString()}`)),
    );
    const server = createServer((_request, response) => response.end("a page"));
    server.on("upgrade", (request, socket, head) => {
      if (principal.handleUpgrade(request, socket, head)) return;
      own.handleUpgrade(request, socket, head, (chat) => own.emit("connection", chat, request));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      await principal.stop();
      server.close();
      server.closeAllConnections();
      await store.stop();
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen on TCP");
    return { server, principal, origin: `127.0.0.1:${address.port}` };
  }

  interface Held {
    readonly agent: Agent;
    readonly notes: Map<string, unknown>;
    readonly orders: unknown[];
  }

  async function agentOf(
    origin: string,
    options: { readonly subprotocol?: (typeof SUBPROTOCOLS)[number]; readonly rotationMs?: number } = {},
  ): Promise<Held> {
    const store = createMemoryStore();
    await store.start();
    const notes = new Map<string, unknown>();
    const orders: unknown[] = [];
    const { subprotocol = "cloudevents.json", rotationMs } = options;
    const agent = createAgent({
      name: "edge-1",
      store,
      dialer: createWebSocketDialer({ url: `ws://${origin}/agents`, subprotocol }),
      handlers: {
        Note: {
          async apply({ name, spec }) {
            notes.set(name, spec);
            return { state: "read" };
          },
          async delete({ name }) {
            notes.delete(name);
          },
        },
      },
      onEvent: ({ event }) => void orders.push(event.data),
      reconnect: { backoffMinMs: 20, backoffMaxMs: 200 },
      ...(rotationMs === undefined
        ? {}
        : { timing: { rotationMinMs: rotationMs, rotationMaxMs: 2 * rotationMs } }),
      runtime: systemRuntime(),
    });
    await agent.start();
    onTestFinished(async () => {
      await agent.stop();
      await store.stop();
    });
    return { agent, notes, orders };
  }

  async function chatOf(origin: string): Promise<() => Promise<string>> {
    const chat = new WebSocket(`ws://${origin}/chat`);
    onTestFinished(() => chat.terminate());
    await once(chat, "open");
    return async () => {
      const answered = once(chat, "message") as Promise<[Buffer]>;
      chat.send("hello");
      return (await answered)[0].toString();
    };
  }

  const isConnected = (principal: Principal) => async (): Promise<boolean> =>
    (await principal.agent("edge-1"))?.state === "connected";
  const isThrough = (principal: Principal) => async (): Promise<boolean> =>
    (await principal.agent("edge-1"))?.pending === 0;

  it.each(SUBPROTOCOLS)("connect and deliver both ways over %s", async (subprotocol) => {
    const heard: unknown[] = [];
    const { principal, origin } = await hostOf({ onEvent: ({ event }) => void heard.push(event.data) });
    await principal.start();
    const { agent, notes, orders } = await agentOf(origin, { subprotocol });
    await principal.resources.put("edge-1", "Note", "today", { text: "hello" });
    const order = { specversion: "1.0", id: "1", source: "/shop", type: "com.example.order.v1" } as const;
    await principal.publish("edge-1", { ...order, resourceid: "order_1", data: { item: "rope" } });
    await agent.publish({ ...order, id: "2", resourceid: "order_2", data: { item: "tar" } });
    await becomes("all of it arrives", isThrough(principal));
    await becomes("what the agent says arrives", () => heard.length === 1);
    expect(notes.get("today")).toEqual({ text: "hello" });
    expect(orders).toEqual([{ item: "rope" }]);
    expect(heard).toEqual([{ item: "tar" }]);
    expect((await principal.agent("edge-1"))?.session?.transport).toMatch(/^ws-/);
  });

  it("renew their connections", async () => {
    const { principal, origin } = await hostOf();
    await principal.start();
    const { notes } = await agentOf(origin, { rotationMs: 200 });
    const epoch = await eventually("it is connected", async () => {
      const view = await principal.agent("edge-1");
      return view?.session?.epoch;
    });
    await becomes("it has renewed its connection three times", async () => {
      const view = await principal.agent("edge-1");
      return (view?.session?.epoch ?? 0) > epoch + 2;
    });
    await principal.resources.put("edge-1", "Note", "today", { text: "hello" });
    await becomes("a note arrives", () => notes.has("today"));
  });

  it("wait for the start, which answers them when to come back", async () => {
    let ready = false;
    const { principal, origin } = await hostOf({
      gate: {
        conditions: [{ name: "migration", check: async () => ready || "not through" }],
        stableForMs: 0,
        checkIntervalMs: 10,
      },
    });
    const starting = principal.start();
    const chat = new WebSocket(`ws://${origin}/agents/v1/connect`, "cloudevents.json");
    const [, answer] = (await once(chat, "unexpected-response")) as [unknown, IncomingMessage];
    expect(answer.statusCode).toBe(503);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    chat.on("error", () => {});
    chat.terminate();
    await agentOf(origin);
    expect(principal.state).toBe("starting");
    ready = true;
    await starting;
    await becomes("it is let in", isConnected(principal));
  });

  it("are drained, told when to come back, and leave the rest of the server alone", async () => {
    const { principal, server, origin } = await hostOf();
    await principal.start();
    const ask = await chatOf(origin);
    await agentOf(origin);
    await becomes("it is there", isConnected(principal));
    const report = await principal.drain({ reason: "deploy", windowMs: 0, returnAfterMs: 100 });
    expect(report).toMatchObject({ sessions: 1, cutOff: 0 });
    principal.undrain();
    await becomes("it is back", isConnected(principal));
    await principal.stop();
    expect(await ask()).toBe("echo hello");
    expect(await (await fetch(`http://${origin}/`)).text()).toBe("a page");
    expect(server.listening).toBe(true);
    // The same principal may begin anew on the same server.
    await principal.start();
    await becomes("it is back again", isConnected(principal));
  });
});

describe("examples/mounted-principal", () => {
  const HOME = join(ROOT, "examples", "mounted-principal");
  const PROGRAMS = ["express", "fastify", "hono", "agent"] as const;
  const fileOf = (name: string): string => join(HOME, ".hawser", "mounted", name);
  let compiled: TypeScriptExamples;

  beforeAll(async () => {
    const sources = PROGRAMS.map(async (name) => ({
      file: fileOf(name),
      code: await readFile(join(HOME, `${name}.ts`), "utf8"),
    }));
    compiled = new TypeScriptExamples("mounted", await Promise.all(sources));
    await compiled.compile();
  }, 120_000);
  afterAll(() => compiled.remove());

  /** Runs one until the test ends it. */
  async function start(name: (typeof PROGRAMS)[number], ...args: string[]) {
    const cwd = await mkdtemp(join(tmpdir(), "hawser-mounted-"));
    const child = spawn(process.execPath, [`${fileOf(name)}.js`, ...args], { cwd, env: plainEnvironment() });
    const ended = once(child, "close");
    const said = { output: "" };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => (said.output += chunk));
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await ended;
      await rm(cwd, { recursive: true, force: true });
    });
    return {
      says: (pattern: RegExp) =>
        eventually(`${name} says ${String(pattern)}`, () => {
          const match = pattern.exec(said.output);
          if (match === null) throw new Error(said.output);
          return match;
        }),
      async stop() {
        child.kill("SIGINT");
        expect({ ended: await ended, output: said.output }).toMatchObject({ ended: [0, null] });
      },
    };
  }

  const ADA = { authorization: "Bearer a-session-of-ada" };
  const BOB = { authorization: "Bearer a-session-of-bob" };

  it("compiles", () => {
    for (const name of PROGRAMS) expect(compiled.complaintsAbout(fileOf(name))).toEqual([]);
    expect(compiled.otherComplaints()).toEqual([]);
  });

  it.each(["express", "fastify", "hono"] as const)(
    "%s: agents, users and streams on one port",
    async (name) => {
      const program = await start(name, "0");
      const [, port] = await program.says(/listening on (\d+)/);
      const origin = `http://127.0.0.1:${port}`;
      const api = `${origin}/control/hawser`;
      const note = `${api}/v1/agents/edge-1/resources/Note/today`;
      const agent = await start("agent", `ws://127.0.0.1:${port}/agents`);

      const put = async (headers: Readonly<Record<string, string>>): Promise<number> => {
        const body = JSON.stringify({ spec: { text: "hello" } });
        const all = { "content-type": "application/json", ...headers };
        return (await fetch(note, { method: "PUT", body, headers: all })).status;
      };
      expect(await put({})).toBe(401);
      expect(await put(BOB)).toBe(403);
      const stream = await fetch(`${api}/v1/streams/events`, { headers: BOB });
      expect(stream.status).toBe(200);
      const streamed = stream.text();
      streamed.catch(() => {});
      expect((await fetch(`${api}/v1/streams/events`)).status).toBe(401);
      expect(await put(ADA)).toBe(201);
      await agent.says(/today: {"text":"hello"}/);
      await becomes("its state is known", async () => {
        const view: unknown = await (await fetch(note, { headers: BOB })).json();
        expect(view).toMatchObject({ state: "delivered" });
        return true;
      });
      expect((await fetch(note, { method: "DELETE", headers: ADA })).status).toBe(202);
      await agent.says(/today is gone/);

      for (const path of ["", "/", "/docs"]) {
        const page = await fetch(`${api}${path}`);
        expect(new URL(page.url).pathname).toBe("/control/hawser/docs");
        expect(await page.text()).toContain(api);
      }
      expect(await (await fetch(origin)).text()).toBe("a page of this program\n");
      // What is for nobody is closed, and nobody else hears of it.
      const stranger = new WebSocket(`ws://127.0.0.1:${port}/nowhere`);
      await new Promise<void>((resolve) => {
        stranger.once("error", () => {});
        stranger.once("close", () => resolve());
      });

      await program.says(/"caller":"bob".*"status":403[^]*"caller":"ada".*"status":201/);
      await program.stop();
      expect(await streamed).toMatch(/event: accepted[^]*event: acked/);
      await agent.stop();
    },
  );
});
