import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DesiredResource, HandlerContext } from "@hawser/agent";
import { jsonOf, type JsonValue } from "@hawser/protocol";
import { type Logger, silentLogger, systemRuntime, type Timers } from "@hawser/runtime";
import { createJournalStore } from "@hawser/store-journal";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { processesOfInstance } from "./process-table.js";
import { TaskHandler, type TaskHandlerOptions } from "./task-handler.js";
import type { TaskLimits } from "./task-limits.js";

type Status = Record<string, JsonValue>;

/** A context that remembers what is reported and can be waited on. */
class Reports {
  readonly all: Status[] = [];
  readonly context: HandlerContext;
  #arrived: (() => void)[] = [];

  constructor() {
    this.context = {
      report: (status) => {
        this.add(jsonOf(status));
        return Promise.resolve();
      },
      signal: new AbortController().signal,
      logger: silentLogger,
    };
  }

  add(status: JsonValue): void {
    if (typeof status !== "object" || status === null) throw new Error("no status");
    this.all.push(Object.fromEntries<JsonValue>(Object.entries(status)));
    for (const arrived of this.#arrived.splice(0)) arrived();
  }

  async until(matches: (status: Status) => boolean): Promise<Status> {
    for (;;) {
      const found = this.all.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#arrived.push(resolve));
    }
  }
}

const runtime = systemRuntime();
let stateDirectory: string;
let handlers: TaskHandler[];
let reports: Reports;

beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), "hawser-task-"));
  handlers = [];
  reports = new Reports();
});

afterEach(async () => {
  for (const handler of handlers) await handler.stop();
  await rm(stateDirectory, { recursive: true, force: true });
});

const LIMITS: TaskLimits = {
  maxProcesses: undefined,
  maxMemoryBytes: undefined,
  maxCpus: undefined,
  maxCpuSeconds: undefined,
  outputBytesPerSecond: 1_000_000,
};
const OWN_UID = process.geteuid?.() ?? 0;
const FREE: TaskHandlerOptions["confinement"] = {
  policy: () => ({ kind: "any" }),
  limits: LIMITS,
  user: undefined,
  umask: 0o022,
};

function make(options: Partial<TaskHandlerOptions> = {}): TaskHandler {
  const handler = new TaskHandler({ runtime, stateDirectory, confinement: FREE, ...options });
  handlers.push(handler);
  return handler;
}

/** A handler of an agent that dies: what it started goes on, and nothing of it runs again. */
function makeMortal(): { handler: TaskHandler; kill: () => void } {
  let alive = true;
  const timers: Timers = {
    after: (delayMs, callback) => runtime.timers.after(delayMs, () => (alive ? callback() : undefined)),
    soon: (callback) => runtime.timers.soon(callback),
  };
  const handler = new TaskHandler({ runtime: { ...runtime, timers }, stateDirectory, confinement: FREE });
  return { handler, kill: () => (alive = false) };
}

function resource(spec: JsonValue, version = "1", name = "job"): DesiredResource {
  return { kind: "Task", name, uid: "u1", version, attempt: 1, spec };
}

async function apply(
  handler: TaskHandler,
  spec: JsonValue,
  version?: string,
  name?: string,
): Promise<Status> {
  const status = await handler.apply(resource(spec, version, name), reports.context);
  reports.add(status);
  return reports.all.at(-1) ?? {};
}

const node = (script: string): { command: string; args: string[] } => ({
  command: process.execPath,
  args: ["-e", script],
});
/** Runs until it is told to stop; a timer of the child, not of the test. */
const FOREVER = "setInterval(() => {}, 1000)";
/** What Node makes of a pipe to a child. */
const PIPE = /^(?:pipe|socket):\[/;
const isState = (state: string) => (status: Status) => status["state"] === state;

function isAlive(pid: JsonValue | undefined): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

describe("Task", () => {
  it("whose reports or log lines throw goes on as its spec says, and so do the others", async () => {
    const unhandled: unknown[] = [];
    const count = (thrown: unknown): void => void unhandled.push(thrown);
    process.on("unhandledRejection", count);
    onTestFinished(() => void process.off("unhandledRejection", count));
    const thrower = (): never => {
      throw new Error("a fault of who is told");
    };
    const handler = make();
    const logger: Logger = { ...silentLogger, error: thrower };
    const deaf = { ...reports.context, report: thrower, logger };
    const restart = { policy: "on-failure", maxRestarts: 1, backoffMs: 10 };
    const mark = join(stateDirectory, "mark");
    const script = `require("node:fs").appendFileSync(${JSON.stringify(mark)}, "ran "); process.exitCode = 1`;
    await handler.apply(resource({ ...node(script), restart }, "1", "deaf"), deaf);
    await apply(handler, node("process.exitCode = 4"), "1", "well");
    expect(await reports.until(isState("exited"))).toMatchObject({ code: 4 });
    await expect.poll(() => readFile(mark, "utf8").catch(() => "")).toBe("ran ran ");
    expect(unhandled).toEqual([]);
  });

  it("runs a process and reports how it ended, with its last lines", async () => {
    const running = await apply(
      make(),
      node("console.log('one'); console.error('two'); process.exitCode = 3"),
    );
    expect(running).toMatchObject({ state: "running", restarts: 0, pid: expect.any(Number) });
    const exited = await reports.until(isState("exited"));
    expect(exited).toMatchObject({ code: 3, restarts: 0 });
    expect(exited["lastOutput"]).toEqual(expect.arrayContaining(["one", "two"]));
  });

  it("shows the output of its last runs while somebody asks, and no longer", async () => {
    const handler = make();
    const count = join(stateDirectory, "count");
    const script = `const fs = require("node:fs"); fs.appendFileSync(${JSON.stringify(count)}, "x");
      console.log("run", fs.readFileSync(${JSON.stringify(count)}).length); process.exit(1)`;
    await apply(handler, {
      ...node(script),
      restart: { policy: "on-failure", maxRestarts: 2, backoffMs: 10 },
    });
    expect(await reports.until(isState("exited"))).not.toHaveProperty("output");
    handler.output({ kind: "Task", name: "job", request: "r-1", forMs: 60_000 });
    const shown = await reports.until((status) => status["output"] !== undefined);
    expect(shown).toMatchObject({
      state: "exited",
      output: {
        request: "r-1",
        line: 0,
        lines: ["run 1", "run 2", "run 3"],
        starts: [
          { line: 0, run: 0 },
          { line: 1, run: 1 },
          { line: 2, run: 2 },
        ],
      },
    });
    await handler.stop();
    expect(reports.all.at(-1)).not.toHaveProperty("output");
    expect(() => handler.output({ kind: "Task", name: "other", request: "r", forMs: 1 })).toThrow("other");
  });

  it("keeps only the last lines, and cuts long ones", async () => {
    const script = "for (let i = 0; i < 100; i++) console.log(i); console.log('x'.repeat(5000))";
    await apply(make({ outputLines: 3 }), node(script));
    const { lastOutput } = await reports.until(isState("exited"));
    expect(lastOutput).toEqual(["98", "99", "x".repeat(1_000)]);
  });

  it("gives the process its own variables and none of the agent's secrets", async () => {
    process.env["HAWSER_AGENT_TEST_SECRET"] = "s3cret";
    const script =
      "console.log([process.env.MINE, process.env.HAWSER_AGENT_TEST_SECRET, !!process.env.PATH].join())";
    await apply(make(), { ...node(script), env: { MINE: "yes" } });
    delete process.env["HAWSER_AGENT_TEST_SECRET"];
    expect((await reports.until(isState("exited")))["lastOutput"]).toEqual(["yes,,true"]);
  });

  it("says what is wrong when the command cannot be started", async () => {
    const status = await apply(make(), { command: "/no/such/command" });
    expect(status).toMatchObject({ state: "exited", error: expect.stringContaining("ENOENT"), restarts: 0 });
  });

  it("runs a failing process again as often as it may", async () => {
    await apply(make(), {
      ...node("process.exit(1)"),
      restart: { policy: "on-failure", maxRestarts: 2, backoffMs: 10 },
    });
    expect(await reports.until(isState("exited"))).toMatchObject({ code: 1, restarts: 2 });
    expect(reports.all.filter(isState("restarting")).map(({ restarts }) => restarts)).toEqual([1, 2]);
    const restarting = reports.all.find(isState("restarting"));
    expect(restarting).toMatchObject({ lastExit: { code: 1 }, nextStartAt: expect.stringMatching(/Z$/) });
  });

  it("does not run a process again that succeeded, unless it shall always", async () => {
    const handler = make();
    const script = node("process.exit(0)");
    await apply(handler, { ...script, restart: { policy: "on-failure", backoffMs: 10 } }, "1", "once");
    expect(await reports.until(isState("exited"))).toMatchObject({ code: 0, restarts: 0 });
    reports = new Reports();
    await apply(
      handler,
      { ...script, restart: { policy: "always", maxRestarts: 1, backoffMs: 10 } },
      "1",
      "again",
    );
    expect(await reports.until(isState("exited"))).toMatchObject({ code: 0, restarts: 1 });
  });

  it("leaves the process alone when a new version says the same, and reports through the newer one", async () => {
    const handler = make();
    const first = await apply(handler, node(FOREVER));
    const newer = new Reports();
    expect(await handler.apply(resource(node(FOREVER), "2"), newer.context)).toEqual(first);
    process.kill(Number(first["pid"]), "SIGKILL");
    expect(await newer.until(isState("exited"))).toMatchObject({ signal: "SIGKILL" });
    expect(reports.all.some(isState("exited"))).toBe(false);
  });

  it("stops the old process before it starts the new one", async () => {
    const handler = make();
    const first = await apply(handler, node(FOREVER));
    const second = await apply(handler, { ...node(FOREVER), env: { CHANGED: "1" } }, "2");
    expect(isAlive(first["pid"])).toBe(false);
    expect(second["pid"]).not.toBe(first["pid"]);
    expect(isAlive(second["pid"])).toBe(true);
  });

  it("kills a process that does not heed SIGTERM, with everything it started", async () => {
    const handler = make();
    const child = `require('child_process').spawn(process.execPath, ['-e', "${FOREVER}"])`;
    const script = `process.on('SIGTERM', () => {}); const child = ${child}; console.log(child.pid); ${FOREVER}`;
    const { pid } = await apply(handler, { ...node(script), stopGraceMs: 300 });
    const { instance } = await runningState();
    await waitUntil(async () => (await processesOfInstance(instance)).length === 2);
    await handler.delete(resource(null));
    expect(isAlive(pid)).toBe(false);
    await waitUntil(async () => (await processesOfInstance(instance)).length === 0);
  });

  it("ends what a killed agent left running, and starts it anew only then", async () => {
    const { handler, kill } = makeMortal();
    const { pid } = await apply(handler, { ...node(FOREVER), restart: { policy: "always" } });
    kill();
    const next = make();
    await next.start();
    expect(isAlive(pid)).toBe(false);
    await next.restore(resource({ ...node(FOREVER), restart: { policy: "always" } }), reports.context);
    const again = await reports.until((status) => status["state"] === "running" && status["pid"] !== pid);
    expect(isAlive(again["pid"])).toBe(true);
  });

  it("finds a process whose pid was never written down", async () => {
    const { handler, kill } = makeMortal();
    const { pid } = await apply(handler, { ...node(FOREVER), restart: { policy: "always" } });
    kill();
    const { path, record } = await recordFile();
    delete record.record.state.pid;
    delete record.record.state.identity;
    await writeFile(path, JSON.stringify(record));
    await make().start();
    expect(isAlive(pid)).toBe(process.platform !== "linux");
    if (process.platform !== "linux") process.kill(Number(pid), "SIGKILL");
  });

  it("does not touch a process that merely has the pid of an old one", async () => {
    const bystander = spawn(process.execPath, ["-e", FOREVER], { stdio: "ignore" });
    try {
      const killed = make();
      await apply(killed, node("process.exit(0)"));
      await reports.until(isState("exited"));
      await killed.stop();
      const { path, record } = await recordFile();
      record.record.state = {
        kind: "running",
        instance: "gone",
        stopGraceMs: 0,
        pid: bystander.pid,
        identity: "boot 1",
      };
      await writeFile(path, JSON.stringify(record));
      await make().start();
      expect(isAlive(bystander.pid)).toBe(true);
    } finally {
      bystander.kill("SIGKILL");
    }
  });

  it("does not run a task again that is done, after a restart of the agent", async () => {
    const spec = node("require('fs').appendFileSync(process.env.LOG, 'ran\\n')");
    const log = join(stateDirectory, "log");
    const handler = make();
    await apply(handler, { ...spec, env: { LOG: log } });
    await reports.until(isState("exited"));
    await handler.stop();
    reports = new Reports();
    const next = make();
    await next.start();
    await next.restore(resource({ ...spec, env: { LOG: log } }), reports.context);
    expect(await reports.until(isState("exited"))).toMatchObject({ code: 0 });
    expect(await readFile(log, "utf8")).toBe("ran\n");
  });

  it("stops every task with the agent and takes none on afterwards", async () => {
    const handler = make();
    const { pid } = await apply(handler, node(FOREVER));
    await handler.stop();
    expect(isAlive(pid)).toBe(false);
    await expect(handler.apply(resource(node(FOREVER), "2"), reports.context)).rejects.toThrow("stops");
  });

  it("holds no more tasks than it may, and takes one when there is room again", async () => {
    const handler = make({ maxTasks: 1 });
    await apply(handler, node(FOREVER), "1", "first");
    const refused = apply(handler, node(FOREVER), "1", "second");
    await expect(refused).rejects.toThrow("1 tasks already");
    await expect(refused).rejects.not.toHaveProperty("code", "handler_rejected");
    await handler.delete(resource(null, "2", "first"));
    expect(await apply(handler, node(FOREVER), "1", "second")).toMatchObject({ state: "running" });
  });

  it.each([
    ["no command", { args: [] }, "command"],
    ["a NUL", { command: "a\0b" }, "NUL"],
    ["an unknown key", { command: "a", shell: true }, "shell"],
    ["an unknown policy", { command: "a", restart: { policy: "sometimes" } }, "policy"],
    ["a bad variable", { command: "a", env: { "A=B": "" } }, "variable"],
  ])("refuses %s for good", async (_, spec, message) => {
    await expect(make().apply(resource(spec), reports.context)).rejects.toMatchObject({
      code: "handler_rejected",
      message: expect.stringContaining(message),
    });
  });
});

describe("a Task in its box", () => {
  it("is refused where its kind is off, and what an earlier agent left running is ended all the same", async () => {
    const { handler, kill } = makeMortal();
    const { pid } = await apply(handler, { ...node(FOREVER), restart: { policy: "always" } });
    kill();
    const off = make({ confinement: { ...FREE, policy: () => ({ kind: "off" }) } });
    await off.start();
    expect(isAlive(pid)).toBe(false);
    await expect(off.apply(resource({ command: "/bin/true" }), reports.context)).rejects.toMatchObject({
      code: "kind_disabled",
      message: expect.stringContaining("--task-allow <file>"),
    });
    await off.delete(resource(null));
  });

  it.skipIf(process.platform !== "linux")("inherits none of the agent's descriptors", async () => {
    // LevelDB opens its files without O_CLOEXEC.
    const store = createJournalStore({ directory: join(stateDirectory, "store") });
    await store.start();
    onTestFinished(() => store.stop());
    const handler = make({ outputLines: 1_000 });
    await apply(handler, { command: "ls", args: ["-l", "/proc/self/fd"] });
    const { lastOutput } = await reports.until(isState("exited"));
    const lines = Array.isArray(lastOutput) ? lastOutput.map(String) : [];
    const targets = lines.filter((line) => line.includes("->"));
    const others = targets.map((line) => line.replace(/^.* -> /, "")).filter((to) => to !== "/dev/null");
    // Its output, and the directory it lists.
    expect(others.filter((to) => !PIPE.test(to))).toEqual([expect.stringMatching(/^\/proc\/\d+\/fd$/)]);
    expect(new Set(others.filter((to) => PIPE.test(to))).size).toBe(2);
  });

  it.skipIf(process.platform !== "linux").each([
    ["when it is deleted", "sleep 600"],
    ["when it ends by itself", "exit 0"],
  ])("takes with it what left its process group and its session, %s", async (_, rest) => {
    const handler = make();
    const daemon = "(setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' > /dev/null 2>&1 &) ; ";
    await apply(handler, { command: "sh", args: ["-c", `${daemon}${rest}`], stopGraceMs: 200 });
    const { instance } = await runningState();
    if (rest === "exit 0") await reports.until(isState("exited"));
    else {
      await waitUntil(async () => (await processesOfInstance(instance)).length >= 2);
      await handler.delete(resource(null));
    }
    expect(await processesOfInstance(instance)).toEqual([]);
  });

  it("waits when it writes more than is read, loses no line, and says so", async () => {
    const slow = { ...FREE, limits: { ...LIMITS, outputBytesPerSecond: 50_000 } };
    const script = "for (let i = 0; i < 20000; i++) console.log(i)";
    await apply(make({ confinement: slow, outputLines: 2 }), node(script));
    await reports.until((status) => status["state"] === "running" && status["outputSlowed"] === true);
    expect(await reports.until(isState("exited"))).toMatchObject({
      code: 0,
      outputSlowed: true,
      lastOutput: ["19998", "19999"],
    });
  });

  it("cannot ask for more time to stop than the agent gives, and has less when the agent stops", async () => {
    const deaf = node(`process.on('SIGTERM', () => {}); console.log('deaf'); ${FOREVER}`);
    const handler = make({ maxStopGraceMs: 100 });
    const { pid } = await apply(handler, { ...deaf, stopGraceMs: 3_600_000 });
    await handler.delete(resource(null));
    expect(isAlive(pid)).toBe(false);
    const patient = make({ maxStopGraceMs: 3_600_000 });
    const second = await apply(patient, { ...deaf, stopGraceMs: 3_600_000 }, "2", "second");
    const deleted = patient.delete(resource(null, "3", "second"));
    patient.stopWithin(100);
    await patient.stop();
    await deleted;
    expect(isAlive(second["pid"])).toBe(false);
  });

  it("is held to the limits of a process where there is no control group", async () => {
    const limits = { ...LIMITS, maxMemoryBytes: 64_000_000, maxCpuSeconds: 7 };
    const handler = make({ confinement: { ...FREE, limits, umask: 0o027 } });
    await apply(handler, { command: "sh", args: ["-c", "ulimit -v; ulimit -t; umask"] });
    const { lastOutput } = await reports.until(isState("exited"));
    expect(lastOutput).toEqual(["62500", "7", "0027"]);
  });

  it.skipIf(process.geteuid?.() !== 0)(
    "runs as the user it is given, with nothing of the agent's home",
    async () => {
      const handler = make({ confinement: { ...FREE, user: { uid: 65_534, gid: 65_533 } } });
      await apply(handler, { command: "sh", args: ["-c", "id -u; id -g; id -G; echo home=$HOME"] });
      const { lastOutput } = await reports.until(isState("exited"));
      expect(lastOutput).toEqual(["65534", "65533", "65533", "home="]);
    },
  );

  it.each<[string, Partial<TaskHandlerOptions["confinement"]>, RegExp | undefined]>([
    ["as the agent's own user", {}, /own user: .* outlive its end, .* --task-user/],
    ["as the agent's own user by number", { user: { uid: OWN_UID, gid: 1 } }, /own user: /],
    ["as another user without a control group", { user: { uid: OWN_UID + 1, gid: 1 } }, /--task-cgroup/],
    ["not at all", { policy: () => ({ kind: "off" as const }) }, undefined],
  ])("says at start what a Task that runs %s can get out of", async (_, more, expected) => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (__, message) => void warnings.push(message) };
    await make({ runtime: { ...runtime, logger }, confinement: { ...FREE, ...more } }).start();
    expect(warnings).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
  });

  it("names the flag that cannot be held without a control group", async () => {
    const confinement = { ...FREE, limits: { ...LIMITS, maxCpus: 0.5 } };
    await expect(make({ confinement }).start()).rejects.toMatchObject({
      code: "invalid_config",
      message: expect.stringContaining("--task-max-cpu-percent needs a control group"),
    });
  });

  it("puts arguments into no script", async () => {
    const args = ["$(id)", "`id`", "; id", "a b", "-n", "'\""];
    await apply(make(), { command: "printf", args: ["%s\\n", ...args] });
    expect((await reports.until(isState("exited")))["lastOutput"]).toEqual(args);
  });
});

async function recordFile(): Promise<{
  path: string;
  record: { record: { state: Record<string, unknown> } };
}> {
  const directory = join(stateDirectory, "task");
  const [file = ""] = await readdir(directory);
  const path = join(directory, file);
  return { path, record: JSON.parse(await readFile(path, "utf8")) };
}

async function runningState(): Promise<{ instance: string }> {
  const { record } = await recordFile();
  return { instance: String(record.record.state["instance"]) };
}

/** For what only the operating system knows: looks again until it holds; the test's own timeout is the deadline. */
async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => runtime.timers.after(10, resolve));
}
