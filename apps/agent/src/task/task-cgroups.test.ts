import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { systemRandom, systemRuntime } from "@hawser/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TaskCgroups } from "./task-cgroups.js";
import type { TaskLimits } from "./task-limits.js";

const LIMITS: TaskLimits = {
  maxProcesses: undefined,
  maxMemoryBytes: undefined,
  maxCpus: undefined,
  maxCpuSeconds: undefined,
  outputBytesPerSecond: 1_000,
};
const runtime = systemRuntime();

/** A group of this test's own; undefined where this user may make none. */
function makeGroup(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1];
  if (mount === undefined) return undefined;
  const path = join(mount, `hawser-test-${systemRandom.uuid()}`);
  try {
    mkdirSync(path);
    return path;
  } catch {
    return undefined;
  }
}

const probe = makeGroup();
if (probe !== undefined) rmdirSync(probe);
const why = probe === undefined ? " (skipped: this user may make no control group)" : "";

describe.skipIf(probe === undefined)(`control groups of Tasks${why}`, () => {
  let base: string;

  beforeEach(() => {
    base = makeGroup() ?? "";
  });
  afterEach(() => rmdirSync(base));

  it("end whatever is in them, wherever it went and whatever it made of its environment", async () => {
    const groups = await TaskCgroups.open({ directory: base }, runtime);
    const group = await groups?.make("one", LIMITS);
    const daemon = "read go; (env -i setsid setsid sleep 600 &); (trap '' TERM; sleep 600 &); exec sleep 600";
    const child = spawn("sh", ["-c", daemon], { stdio: ["pipe", "ignore", "ignore"] });
    const exited = once(child, "exit");
    await group?.add(child.pid ?? 0);
    child.stdin.end("go\n");
    const procs = join(base, "hawser-task-one", "cgroup.procs");
    while (readFileSync(procs, "utf8").trim().split("\n").length < 3)
      await new Promise<void>((resolve) => runtime.timers.after(10, resolve));
    await group?.end();
    expect(await exited).toEqual([null, "SIGKILL"]);
    expect(await readdir(base)).not.toContain("hawser-task-one");
    await group?.end();
  });

  it.skipIf(process.geteuid?.() !== 0).each([
    ["another user", 65_534, "held"],
    ["the agent's own user", 0, "moved"],
  ] as const)("are a wall for a Task of another user alone: %s", async (_, uid, expected) => {
    const groups = await TaskCgroups.open({ directory: base }, runtime);
    const group = await groups?.make("one", LIMITS);
    const other = join(base, "other");
    mkdirSync(other);
    const script = 'read go; if echo 0 2>/dev/null >"$0/cgroup.procs"; then echo moved; else echo held; fi';
    const child = spawn("sh", ["-c", script, other], { stdio: ["pipe", "pipe", "ignore"], uid });
    const exited = once(child, "exit");
    const said = text(child.stdout);
    await group?.add(child.pid ?? 0);
    child.stdin.end("go\n");
    await exited;
    expect((await said).trim()).toBe(expected);
    await group?.end();
    rmdirSync(other);
  });

  it("of an earlier agent are ended", async () => {
    const groups = await TaskCgroups.open({ directory: base }, runtime);
    const group = await groups?.make("left", LIMITS);
    const child = spawn("sleep", ["600"], { stdio: "ignore" });
    const exited = once(child, "exit");
    await group?.add(child.pid ?? 0);
    const next = await TaskCgroups.open({ directory: base }, runtime);
    expect(await next?.endAll()).toBe(1);
    expect(await exited).toEqual([null, "SIGKILL"]);
  });
});

it.skipIf(process.platform !== "linux")(
  "a directory that is no control group is refused by name",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "hawser-cgroup-"));
    await expect(TaskCgroups.open({ directory }, runtime)).rejects.toThrow("cgroup.kill");
    await rm(directory, { recursive: true });
  },
);

it("there are none when they are off", async () => {
  expect(await TaskCgroups.open("off", runtime)).toBeUndefined();
});
