import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { z } from "zod";
import { becomes, eventually } from "./support/eventually.js";
import { PROGRAMS } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// What whoever speaks for the principal can make of an agent's machine: no more than the agent's own settings allow.

const AGENT = "edge-1";

async function startAgent(fleet: TestFleet, ...args: readonly string[]): Promise<void> {
  await fleet.startPrincipal();
  await (await fleet.agent(AGENT, { args })).start();
  await fleet.connected(AGENT);
}

/** How the agent refused for good what was put, by the name of the resource. */
async function refusal(fleet: TestFleet, name: string): Promise<{ code: string; message: string }> {
  return eventually(`${name} is refused`, async () => {
    const letters = await fleet.api.deadLetters(AGENT);
    return letters.find(({ resourceid }) => resourceid.startsWith(`${name}_`));
  });
}

async function status(fleet: TestFleet, name: string): Promise<Record<string, unknown>> {
  return eventually(`${name} has a status`, async () => {
    const { status: found } = await fleet.api.resource(AGENT, "Task", name);
    return typeof found === "object" && found !== null && !Array.isArray(found) ? { ...found } : undefined;
  });
}

async function remove(fleet: TestFleet, name: string): Promise<void> {
  const { status: answer } = await fleet.api.request("DELETE", `/v1/agents/${AGENT}/resources/Task/${name}`);
  expect(answer).toBeLessThan(300);
}

async function processesMarked(text: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")).includes(text)),
  );
  return pids.filter((_, index) => marked[index]);
}

it("a kind that is off is refused for good, with what turns it on", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = fleet.service({
    name: AGENT,
    program: PROGRAMS.agent,
    args: ["--name", AGENT, "--url", `ws://${fleet.address}`, "--data-dir", fleet.path(AGENT, "data")],
  });
  await agent.start();
  await fleet.api.put(AGENT, "ConfigFile", "motd", { path: "motd", content: "x" });
  await fleet.api.put(AGENT, "Task", "id", { command: "/usr/bin/id" });
  expect(await refusal(fleet, "motd")).toMatchObject({
    code: "kind_disabled",
    message: expect.stringContaining("--config-file-root"),
  });
  expect(await refusal(fleet, "id")).toMatchObject({
    code: "kind_disabled",
    message: expect.stringContaining("--task-allow"),
  });
});

describe.skipIf(process.platform !== "linux")("an allow-list", () => {
  it("is no help to whoever writes files and starts what is listed", async () => {
    const fleet = await createTestFleet();
    const files = fleet.path(AGENT, "files");
    const proof = fleet.path("proof");
    await mkdir(files, { recursive: true });
    const [date, script] = [fleet.path("date"), fleet.path("job.sh")];
    await copyFile("/bin/date", date);
    await writeFile(script, "#!/bin/bash\nexit 0\n");
    await chmod(script, 0o755);
    await writeFile(
      fleet.path("allow.yaml"),
      `commands:\n  - ${date}\n  - ${script}\n  - { command: ${date}, args: any, cwd: [/], env: [TZ] }\n`,
    );
    await startAgent(fleet, "--task-allow", fleet.path("allow.yaml"));
    const payload = { content: `#!/bin/sh\necho ran > ${proof}\n`, mode: "0755" };
    for (const path of ["date", "tool", "env.sh", "x.so"])
      await fleet.api.put(AGENT, "ConfigFile", path, { path, ...payload });
    await becomes("the files are there", async () => (await readdir(files)).length === 4);

    const attacks: Record<string, z.core.util.JSONType> = {
      "by-path": { command: "date", env: { PATH: files } },
      "by-cwd": { command: "./tool", cwd: files },
      "by-file": { command: join(files, "tool") },
      "by-way": { command: `${files}/../files/tool` },
      "by-bash-env": { command: script, env: { BASH_ENV: join(files, "env.sh") } },
      "by-preload": { command: date, env: { LD_PRELOAD: join(files, "x.so") } },
      "by-listed-cwd": { command: date, args: ["-u"], cwd: files },
      "by-arguments": { command: script, args: ["-c", `echo > ${proof}`] },
    };
    for (const [name, spec] of Object.entries(attacks)) await fleet.api.put(AGENT, "Task", name, spec);
    for (const name of Object.keys(attacks))
      expect(await refusal(fleet, name)).toMatchObject({ code: "handler_rejected" });
    await fleet.api.put(AGENT, "Task", "good", { command: date, args: ["+%Z"], env: { TZ: "UTC" } });
    await becomes("the good one has run", async () => (await status(fleet, "good"))["state"] === "exited");
    expect(await status(fleet, "good")).toMatchObject({ code: 0, lastOutput: ["UTC"] });
    await expect(readFile(proof)).rejects.toThrow("ENOENT");
  });
});

describe.skipIf(process.platform !== "linux")("a Task", () => {
  it("that daemonises is gone after its deletion, and holds nothing of the agent's", async () => {
    const fleet = await createTestFleet();
    await startAgent(fleet, "--task-allow-any-command");
    const fds = fleet.path("fds");
    const daemon = `ls -l /proc/self/fd > ${fds}; (setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' &)`;
    const spec = { command: "sh", args: ["-c", `${daemon}; sleep 600`], env: { MARK: fleet.directory } };
    await fleet.api.put(AGENT, "Task", "daemon", { ...spec, stopGraceMs: 300 });
    const mark = `MARK=${fleet.directory}`;
    await becomes("the daemon runs", async () => (await processesMarked(mark)).length >= 4);
    const listing = await readFile(fds, "utf8");
    expect(listing).not.toContain(fleet.path(AGENT, "data"));
    expect(listing).toContain("/dev/null");
    await remove(fleet, "daemon");
    await becomes("nothing of it is left", async () => (await processesMarked(mark)).length === 0);
  });

  it("that writes without end is slowed, and a resource beside it does not notice", async () => {
    const fleet = await createTestFleet();
    await startAgent(fleet, "--task-allow-any-command");
    const applied = async (content: string): Promise<number> => {
      const begun = process.hrtime.bigint();
      await fleet.api.put(AGENT, "ConfigFile", "beside", { path: "beside", content });
      await becomes("it is written", async () => {
        const found = await readFile(fleet.path(AGENT, "files", "beside"), "utf8").catch(() => "");
        return found === content;
      });
      return Number(process.hrtime.bigint() - begun) / 1e6;
    };
    const idle = await applied("idle");
    await fleet.api.put(AGENT, "Task", "yes", { command: "yes" });
    await becomes("it is slowed", async () => (await status(fleet, "yes"))["outputSlowed"] === true);
    const pid = Number((await status(fleet, "yes"))["pid"]);
    const before = cpuTicks(pid);
    const busy: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) busy.push(await applied(`busy ${turn}`));
    const sorted = busy.toSorted((a, b) => a - b);
    console.log(
      `PUT -> applied beside 'yes': idle ${idle.toFixed(0)} ms, median ${sorted[10]?.toFixed(0)}, max ${sorted[19]?.toFixed(0)}; ticks of CPU of yes: ${cpuTicks(pid) - before}`,
    );
    await remove(fleet, "yes");
    await becomes("it is gone", () => !isAlive(pid));
  });

  it("cannot hold the stop of its agent beyond the agent's own grace", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const args = ["--task-allow-any-command", "--task-max-stop-grace", "1h", "--stop-grace", "3s"];
    const agent = await fleet.agent(AGENT, { args });
    await agent.start();
    const spec = { command: "sh", args: ["-c", "trap '' TERM; while :; do sleep 1; done"] };
    await fleet.api.put(AGENT, "Task", "deaf", { ...spec, stopGraceMs: 3_600_000 });
    await becomes("it runs", async () => (await status(fleet, "deaf"))["state"] === "running");
    const pid = Number((await status(fleet, "deaf"))["pid"]);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    expect(isAlive(pid)).toBe(false);
  });
});

function cpuTicks(pid: number): number {
  const stat = execFileSync("cat", [`/proc/${pid}/stat`], { encoding: "utf8" });
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const isRoot = process.platform === "linux" && process.geteuid?.() === 0;

describe.skipIf(!isRoot)(
  `process 1 of the images${isRoot ? "" : " (skipped: a namespace of pids needs root)"}`,
  () => {
    it("reaps what is left behind, hands a signal on, and ends as the service does", async () => {
      const init = fileURLToPath(new URL("../deploy/init.sh", import.meta.url));
      const service = `
      for (let i = 0; i < 20; i += 1) require("child_process").spawn("sh", ["-c", "(sleep 0.2 &); exit 0"], { detached: true });
      process.on("SIGTERM", () => process.exit(7));
      setInterval(() => {}, 1000);
      console.log("up");`;
      const child = spawn(
        "unshare",
        ["--pid", "--fork", "--kill-child", "sh", init, process.execPath, "-e", service],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      onTestFinished(() => void child.kill("SIGKILL"));
      await once(child.stdout, "data");
      const below = (pid: number | string): readonly string[] =>
        execFileSync("sh", ["-c", `cat /proc/${pid}/task/*/children`], { encoding: "utf8" })
          .trim()
          .split(" ")
          .filter(Boolean);
      const [first = ""] = below(child.pid ?? 0);
      await becomes("only the service is left below process 1", () => below(first).length === 1);
      process.kill(Number(first), "SIGTERM");
      const [code] = await once(child, "exit");
      expect(code).toBe(7);
    });
  },
);
