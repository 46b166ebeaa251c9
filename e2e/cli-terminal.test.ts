import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { systemRuntime } from "@hawser/runtime";
import { createChaosProxy } from "@hawser/testkit";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { onTerminal as runOnTerminal } from "./support/terminal.js";
import { createSharedFleet, readApiToken, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

const missing = spawnSync("script", ["--version"]).status === 0 ? "" : " (skipped: there is no script(1))";

let fleet: TestFleet;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
});

function manifests(count: number): string {
  return Array.from(
    { length: count },
    (_, index) =>
      `agent: edge\nkind: ConfigFile\nname: file-${index}\nspec: { path: file-${index}, content: "x" }\n`,
  ).join("---\n");
}

/** The terminal of this file talks to the principal of its fleet. */
function onTerminal(line: string, options: Parameters<typeof runOnTerminal>[1] = {}) {
  return runOnTerminal(line, { server: fleet.api.server, ...options });
}

/** Without what sets words off. */
function textOf(shown: string): string {
  return stripVTControlCharacters(shown).replaceAll("\r", "");
}

describe.skipIf(missing !== "")(`hawser on a terminal${missing}`, () => {
  const left = async (): Promise<number> => (await fleet.api.resources("edge")).length;

  const state = async (): Promise<unknown> =>
    z.object({ state: z.string() }).parse((await fleet.api.request("GET", "/v1/status")).body).state;

  it("asks before it prunes, and does nothing when told no", async () => {
    await writeFile(fleet.path("two.yaml"), manifests(2));
    await writeFile(fleet.path("one.yaml"), manifests(1));
    expect(await onTerminal(`apply -f ${fleet.path("two.yaml")}`)).toMatchObject({ status: 0 });
    const refused = await onTerminal(`apply -f ${fleet.path("one.yaml")} --prune`, { typed: "n\n" });
    expect(refused.shown).toMatch(/edge\/ConfigFile\/file-1/);
    expect(refused.status).not.toBe(0);
    expect((await fleet.api.resource("edge", "ConfigFile", "file-1")).state).not.toBe("deleting");
    const agreed = await onTerminal(`apply -f ${fleet.path("one.yaml")} --prune`, { typed: "y\n" });
    expect(agreed.status).toBe(0);
    expect((await fleet.api.resource("edge", "ConfigFile", "file-1")).state).toBe("deleting");
  });

  it("asks before it lets a fleet go, and takes that back", async () => {
    const refused = await onTerminal("drain --window 0s", { typed: "n\n" });
    expect(refused.shown).toMatch(
      /drain will let 0 agents go, of the principal at http.*nothing was changed/s,
    );
    expect(refused.status).toBe(1);
    expect(await state()).toBe("open");
    expect(await onTerminal("drain --window 0s --return 0s", { typed: "y\n" })).toMatchObject({ status: 0 });
    expect(await state()).toBe("draining");
    // One that is under way is shown, and nobody is asked.
    expect(await onTerminal("drain")).toMatchObject({
      status: 0,
      shown: expect.stringContaining("drained:"),
    });
    expect(await onTerminal("drain --undo")).toMatchObject({ status: 0 });
    expect(await state()).toBe("open");
    const env = { HAWSER_SERVER: fleet.api.server };
    for (const more of [[], ["--output", "json"]]) {
      const unasked = await runProgram(PROGRAMS.cli, ["drain", ...more], { env });
      expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining("--yes") });
    }
    expect(await runProgram(PROGRAMS.cli, ["drain", "--undo"], { env })).toMatchObject({ code: 5 });
    expect(await state()).toBe("open");
  });

  it("asks before it throws away what is pending, and says then what became of it", async () => {
    const manifest = fleet.path("purged.yaml");
    await writeFile(manifest, manifests(1).replaceAll("edge", "away").replaceAll("file-0", "purged"));
    expect(await onTerminal(`apply -f ${manifest}`)).toMatchObject({ status: 0 });
    const purged = async (): Promise<string> =>
      (await fleet.api.resource("away", "ConfigFile", "purged")).state;
    const refused = await onTerminal("agents purge away", { typed: "n\n" });
    expect(refused.shown).toMatch(/1 pending event for away .*nothing was changed/s);
    expect([refused.status, await purged()]).toEqual([1, "pending"]);
    const env = { HAWSER_SERVER: fleet.api.server };
    for (const more of [[], ["--output", "json"]]) {
      const unasked = await runProgram(PROGRAMS.cli, ["agents", "purge", "away", ...more], { env });
      expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining("--yes") });
    }
    const cli = (...args: string[]) => runProgram(PROGRAMS.cli, args, { env });
    const other = await cli("agents", "purge", "away", "--resource", "Task/clock", "--yes");
    expect(other).toMatchObject({ code: 0, stdout: "away: 0 pending events thrown away, 1 left\n" });
    expect(await cli("agents", "purge", "away", "--resource", "clock", "--yes")).toMatchObject({ code: 2 });
    const agreed = await onTerminal("agents purge away --resource ConfigFile/purged", { typed: "y\n" });
    expect(textOf(agreed.shown)).toContain("away: 1 pending event thrown away, 0 left");
    expect([agreed.status, await purged()]).toEqual([0, "purged"]);
    expect(await cli("wait", "away/ConfigFile/purged")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("was purged, not delivered"),
    });
    expect(await cli("describe", "away/ConfigFile/purged")).toMatchObject({
      stdout: expect.stringContaining("purged: thrown away while it was pending, not delivered"),
    });
    expect(await cli("apply", "-f", manifest)).toMatchObject({ code: 0 });
    expect(await purged()).toBe("pending");
  });

  it("asks nothing without one", async () => {
    await writeFile(fleet.path("none.yaml"), manifests(1).replace("file-0", "other"));
    const env = { HAWSER_SERVER: fleet.api.server };
    const { code, stderr } = await runProgram(
      PROGRAMS.cli,
      ["apply", "-f", fleet.path("none.yaml"), "--prune"],
      { env },
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain("--yes");
    expect(await left()).toBeGreaterThan(0);
  });

  it("paints there and not into a pipe", async () => {
    expect((await onTerminal("agents")).shown).toContain("\u001B[");
    const env = { HAWSER_SERVER: fleet.api.server };
    expect((await runProgram(PROGRAMS.cli, ["agents"], { env })).stdout).not.toContain("\u001B[");
  });

  it("shows a bar for what takes longer than a second, and takes it away again", async () => {
    const { hostname: host, port } = new URL(fleet.api.server);
    // Slow enough, whatever the disk: a hundred answers that take 20 ms each, and as long again for the questions.
    const line = createChaosProxy({
      target: { host, port: Number(port) },
      runtime: systemRuntime(),
      faults: { latencyMs: 20 },
    });
    onTestFinished(() => line.stop());
    const { port: slow } = await line.start();
    await writeFile(fleet.path("many.yaml"), manifests(100));
    const { status, shown } = await onTerminal(`apply -f ${fleet.path("many.yaml")}`, {
      server: `http://127.0.0.1:${slow}`,
      token: readApiToken(fleet.path("principal", "api-token")) ?? "",
    });
    expect(status).toBe(0);
    expect(shown).toMatch(/\d+\/100/);
    // What stays of each line is what was written behind the last time it was emptied.
    const left = shown.split("\n").map((line) => line.slice(line.lastIndexOf("\u001B[2K") + 1));
    expect(left.filter((line) => line.includes("created")).length).toBeGreaterThan(90);
    expect(left.filter((line) => line.includes("/100"))).toEqual([]);
  });

  it("top scrolls through agents and sorts them, and takes no interval that would keep the principal busy", async () => {
    for (let n = 10; n < 40; n += 1)
      await fleet.api.put(`top-${n}`, "ConfigFile", "x", { path: "x", content: "x" });
    const { status, shown } = await onTerminal("top --interval 1h", {
      rows: 12,
      steps: [
        [/1 to 5 of \d+, by pending down.*q ends/s, "s"],
        [/1 to 5 of \d+, by last seen down/s, "s"],
        [/1 to 5 of \d+, by name up/s, "G"],
        [/top-35 .*top-39 .* of \d+, by name up/s, "r\u001B[H"],
        [/top-39 .*top-35 .*1 to 5 of \d+, by name down/s, "q"],
      ],
    });
    expect(status).toBe(0);
    for (const frame of shown.split("\u001B[H").slice(1))
      expect(frame.split("\n").length).toBeLessThanOrEqual(12);
    expect(await onTerminal("top --interval 0s")).toMatchObject({
      status: 2,
      shown: expect.stringContaining("200ms or more"),
    });
  });

  it("shows agents with all there is of them within 120 columns, and events with titles and short uids", async () => {
    await (await fleet.agent("edge")).start();
    await fleet.connected("edge");
    const { shown } = await onTerminal("agents --name edge --output wide", { columns: 120 });
    const [titles = "", row = ""] = textOf(shown).split("\n");
    expect(titles.trim().split(/ {2,}/)).toEqual(
      "NAME STATE TRANSPORT SESSION PENDING DEAD ADDRESS SOFTWARE SEEN ACKED REASON".split(" "),
    );
    expect(row).toMatch(/^edge +connected .*127\.0\.0\.1:\d+ .* -$/);
    expect(Math.max(titles.length, row.length)).toBeLessThanOrEqual(120);
    const events = textOf((await onTerminal("events edge", { columns: 120 })).shown).split("\n");
    expect(events[0]).toMatch(/^TIME +AGENT +STEP +EVENT +DETAILS$/);
    expect(events[1]).toMatch(/ file-\d+_[0-9a-f]{8} v\d+ /);
    const whole = textOf((await onTerminal("events edge --output wide", { columns: 120 })).shown);
    expect(whole).toMatch(/ file-\d+_[0-9a-f]{8}-[0-9a-f-]{27} v\d+ /);
  });
});
