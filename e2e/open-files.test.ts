import { systemRuntime } from "@hawser/runtime";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createAgent } from "@hawser/agent";
import { createMemoryStore } from "@hawser/store";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { becomes, eventually } from "./support/eventually.js";
import { PrincipalApi } from "./support/principal-api.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import type { ServiceProcess } from "./support/service-process.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// The limit of open files of a process is set by prlimit, as a service manager would.

// Node opens about as many files at once while it loads the modules of the service; with fewer it does not get that far.
const LIMIT = 256;
const OUT_OF_DESCRIPTORS = /^out of file descriptors/;
const WARNING =
  /^the limit of open files is 256, and --max-sessions 20000, --max-unauthenticated 4096, the API and the store may need 25320: at most (\d+) sessions and (\d+) other connections of agents are held$/;

const address = z.object({ host: z.string(), port: z.number() });
const readySchema = z.object({ listen: address, api: address, health: address });

interface Limited {
  readonly principal: ServiceProcess;
  readonly ready: z.infer<typeof readySchema>;
  readonly api: PrincipalApi;
}

const ADDRESSES = ["listen", "api-listen", "health-listen"].map((name) => `--${name}=127.0.0.1:0`);

async function startLimited(fleet: TestFleet): Promise<Limited> {
  const principal = fleet.service({
    name: "limited",
    interpreter: "prlimit",
    program: `--nofile=${LIMIT}:${LIMIT}`,
    args: [process.execPath, PROGRAMS.principal, "--data-dir", fleet.path("limited"), ...ADDRESSES],
  });
  const ready = readySchema.parse(await principal.start());
  const token = readFileSync(fleet.path("limited", "api-token"), "utf8").trim();
  return { principal, ready, api: new PrincipalApi(`http://127.0.0.1:${ready.api.port}`, token) };
}

/** Sets the limit of a process that runs. @param limit soft and hard, as prlimit has them; `20:` sets the soft one alone */
function setLimit({ pid }: ServiceProcess, limit: string): void {
  const { status, stderr } = spawnSync("prlimit", [`--pid=${pid}`, `--nofile=${limit}`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}

/** Opens as many sockets at once, and keeps those that are let. */
function flood(port: number, count: number): Socket[] {
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1"));
  for (const socket of sockets) socket.on("error", () => {});
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

async function refusedForDescriptors(api: PrincipalApi): Promise<number> {
  return api.metric("hawser_admission_turned_away_total", 'reason="out_of_descriptors"');
}

describe("a limit of open files that is too low", () => {
  it("is told with the numbers by the start, by --check and by the doctor", async () => {
    const fleet = await createTestFleet();
    const { principal, api } = await startLimited(fleet);
    const line = await principal.logged("the warning", ({ msg }) => WARNING.test(msg));
    expect(line).toMatchObject({
      level: "warn",
      fix: expect.stringMatching(/^raise the limit to 25320 .*LimitNOFILE.*--max-sessions/),
    });

    const checked = spawnSync(
      "prlimit",
      [
        `--nofile=${LIMIT}:${LIMIT}`,
        process.execPath,
        PROGRAMS.principal,
        "--data-dir",
        fleet.path("other"),
        ...ADDRESSES,
        "--check",
      ],
      { encoding: "utf8" },
    );
    expect([checked.status, checked.stderr]).toEqual([0, expect.stringContaining(line.msg)]);

    const env = { HAWSER_SERVER: api.server, HAWSER_TOKEN_FILE: fleet.path("limited", "api-token") };
    const doctor = await runProgram(PROGRAMS.cli, ["doctor", "--output", "json"], {
      env: { ...env, HAWSER_CONFIG: fleet.path("config.yaml") },
    });
    const checks = z
      .array(z.looseObject({ name: z.string(), result: z.string(), detail: z.string() }))
      .parse(JSON.parse(doctor.stdout));
    expect(checks.find(({ name }) => name === "open files")).toMatchObject({
      result: "warn",
      detail: expect.stringMatching(/may have 256, and may need 25320/),
    });
  });

  it("holds fewer sessions, and tells the others when to come back", async () => {
    const fleet = await createTestFleet();
    const { principal, ready, api } = await startLimited(fleet);
    const { msg } = await principal.logged("the warning", ({ msg: text }) => WARNING.test(text));
    const most = Number(WARNING.exec(msg)?.[1]);
    for (let n = 0; n < most + 5; n += 1) {
      const store = createMemoryStore();
      await store.start();
      const url = `ws://127.0.0.1:${ready.listen.port}`;
      const agent = createAgent({
        runtime: systemRuntime(),
        name: `agent-${n}`,
        store,
        dialer: createWebSocketDialer({ url, subprotocol: "cloudevents.json" }),
      });
      await agent.start();
      fleet.atEnd(async () => {
        await agent.stop({ graceMs: 100 });
        await store.stop();
      });
    }
    await becomes("as many as fit are in", async () => (await api.metric("hawser_sessions")) === most);
    await becomes(
      "others were refused in words",
      async () => (await api.metric("hawser_session_refusals_total", 'code="overloaded"')) >= 5,
    );
    expect(await refusedForDescriptors(api)).toBe(0);
    expect(await api.metric("hawser_sessions")).toBe(most);
    await api.put("agent-0", "Note", "written", { still: "works" });
  });

  it("spent by connections, leaves the API, its probes and the store working, in one log line, and is over when they go", async () => {
    const fleet = await createTestFleet();
    const { principal, ready, api } = await startLimited(fleet);
    // Whoever raises the bound again is stopped by the descriptors themselves.
    await api.request("PATCH", "/v1/admission", JSON.stringify({ maxUnauthenticated: 4_096 }));
    const waves: Socket[][] = [];
    for (let wave = 1; wave <= 3; wave += 1) {
      const before = await refusedForDescriptors(api);
      waves.push(flood(ready.listen.port, 400));
      await becomes("connections are refused", async () => (await refusedForDescriptors(api)) > before + 100);
      const probe = await fetch(`http://127.0.0.1:${ready.health.port}/readyz`);
      expect(probe.status).toBe(200);
      await api.put("edge", "Note", "written", { wave });
      expect((await api.resource("edge", "Note", "written")).spec).toEqual({ wave });
      expect(readdirSync(`/proc/${principal.pid}/fd`).length).toBeLessThan(LIMIT);
    }
    expect(waves.flat().filter(({ destroyed }) => !destroyed).length).toBeGreaterThan(50);
    const said = (await principal.logLines()).filter(({ msg }) => OUT_OF_DESCRIPTORS.test(msg));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({ level: "error", maxDescriptor: 192 });

    for (const socket of waves.flat()) socket.destroy();
    const agent = fleet.service({
      name: "edge",
      program: PROGRAMS.agent,
      args: ["--name=edge", `--url=ws://127.0.0.1:${ready.listen.port}`, `--data-dir=${fleet.path("edge")}`],
    });
    await agent.start();
    await eventually("the agent is in", async () => (await api.agent("edge")).session);
  });
});

it("taken away while it runs: one line, sessions stay, and it goes on when there are some again", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = await fleet.agent("edge");
  await agent.start();
  const { session } = await fleet.connected("edge");
  // As many as it has, so that the system refuses to accept: EMFILE, of which Node tells nobody.
  const taken = new Set(readdirSync(`/proc/${fleet.principal.pid}/fd`).map(Number));
  let firstFree = 0;
  while (taken.has(firstFree)) firstFree += 1;
  setLimit(fleet.principal, `${firstFree}:`);
  const isOut = ({ msg }: { readonly msg: string }): boolean => /has no file descriptors left/.test(msg);
  for (let wave = 0; wave < 3; wave += 1) {
    const sockets = flood(fleet.listen.port, 100);
    await becomes("each is closed", () => sockets.every(({ destroyed }) => destroyed));
    await fleet.principal.logged("why", isOut);
  }
  expect(fleet.principal.running).toBe(true);
  setLimit(fleet.principal, "4096:");
  await fleet.principal.logged("that it is over", ({ msg }) => msg === "files can be opened again");
  expect((await fleet.principal.logLines()).filter(isOut)).toMatchObject([
    { level: "error", reason: "EMFILE" },
  ]);
  const newcomer = await fleet.agent("newcomer");
  await newcomer.start();
  await fleet.connected("newcomer");
  expect((await fleet.connected("edge")).session.id).toBe(session.id);
  const { version } = await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "x" });
  await becomes(
    "what is published arrives",
    async () => (await fleet.api.resource("edge", "ConfigFile", "motd")).observedVersion === version,
  );
});

it("the bound of what is no session yet is a setting, and holds", async () => {
  const fleet = await createTestFleet(["--max-unauthenticated", "5"]);
  await fleet.startPrincipal();
  flood(fleet.listen.port, 20);
  await becomes(
    "fifteen were cut",
    async () => (await fleet.api.metric("hawser_admission_turned_away_total", 'reason="over_budget"')) === 15,
  );
  expect(await fleet.api.metric("hawser_admission_unauthenticated")).toBe(5);
});
