import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { followOnCli, type FollowingCli } from "./support/cli-following.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram, type Finished } from "./support/programs.js";
import type { ServiceProcess } from "./support/service-process.js";
import { ROOT } from "./support/typescript-examples.js";
import { createTestFleet, type Transport, type TestFleet } from "./support/test-fleet.js";

const contract = z
  .object({ logs: z.custom<z.core.JSONSchema.JSONSchema>() })
  .parse(JSON.parse(await readFile(join(ROOT, "apps", "cli", "schema", "output.json"), "utf8")));
const contractLine = z.fromJSONSchema(contract.logs);
const line = z.union([
  z.object({ text: z.string(), line: z.int(), run: z.int() }),
  z.object({ leftOut: z.object({ lines: z.int(), bytes: z.int() }) }),
]);

interface Stage {
  readonly fleet: TestFleet;
  readonly agent: ServiceProcess;
  readonly logs: (...args: readonly string[]) => Promise<Finished>;
  readonly follow: (...args: readonly string[]) => FollowingCli;
}

async function stage(transport: Transport = "ws-json"): Promise<Stage> {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const args = ["--task-allow-any-command", "--reconnect-max", "1s"];
  const agent = await fleet.agent("edge", { transport, args });
  await agent.start();
  await fleet.connected("edge");
  const env = { HAWSER_SERVER: fleet.api.server, HAWSER_CONFIG: fleet.path("config.yaml") };
  return {
    fleet,
    agent,
    logs: (...more) => runProgram(PROGRAMS.cli, ["logs", ...more], { env, cwd: fleet.directory }),
    follow: (...more) => followOnCli(env.HAWSER_SERVER, ["logs", "--follow", ...more], env),
  };
}

/** A Task that runs this script. */
async function task({ fleet }: Stage, name: string, script: string, restart: object = {}): Promise<void> {
  const spec = { command: process.execPath, args: ["-e", script], restart: { policy: "never", ...restart } };
  await fleet.api.put("edge", "Task", name, spec);
}

function stateOf({ fleet }: Stage, name: string): Promise<unknown> {
  return fleet.api.resource("edge", "Task", name).then(({ status }) => status);
}

function parsed(stdout: string): readonly z.infer<typeof line>[] {
  const lines = stdout.split("\n").slice(0, -1);
  for (const each of lines) contractLine.parse(JSON.parse(each));
  return lines.map((each) => line.parse(JSON.parse(each)));
}

describe("hawser logs", () => {
  it("shows what a crash-looping Task wrote, of its last runs as well", async () => {
    const on = await stage();
    const script = `console.log("before the crash of", process.pid); process.exit(1)`;
    await task(on, "loop", script, { policy: "on-failure", maxRestarts: 3, backoffMs: 100 });
    await becomes(
      "it has given up",
      async () => z.object({ state: z.literal("exited") }).safeParse(await stateOf(on, "loop")).success,
    );
    const { code, stdout, stderr } = await on.logs("edge/Task/loop");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: [1, 2, 3].map((n) => `hawser: --- restart ${n} ---\n`).join(""),
    });
    expect(stdout).toMatch(/^(before the crash of \d+\n){4}$/);
    const told = parsed((await on.logs("edge/Task/loop", "--output", "jsonl", "--tail", "2")).stdout);
    expect(told).toMatchObject([
      { line: 3, run: 2 },
      { line: 4, run: 3 },
    ]);
  });

  it.each(["ws-json", "grpc"] as const)(
    "follows it over a principal that is killed, without a gap, over %s",
    async (transport) => {
      const on = await stage(transport);
      await task(on, "count", "let n = 0; setInterval(() => console.log(++n), 50)");
      const running = on.follow("edge/Task/count");
      const count = (): number => running.stdout.split("\n").length - 1;
      await becomes("it is shown", () => count() > 5);
      await on.fleet.principal.kill();
      await on.fleet.startPrincipal();
      const before = count();
      await becomes("it goes on", () => count() > before + 40, 60_000);
      expect(await running.end("SIGINT")).toBe(0);
      const told = running.stdout.trimEnd().split("\n").map(Number);
      expect(told).toEqual(Array.from({ length: told.length }, (_, index) => index + 1));
      expect(running.stderr).toContain("the stream goes on");
      expect(running.stderr).not.toContain("left out");
    },
  );

  it("says how much was left out of a Task that writes more than is shown", async () => {
    const on = await stage();
    const script = `let n = 0; setInterval(() => { for (let i = 0; i < 200; i++) console.log("x".repeat(90), ++n); }, 100)`;
    await task(on, "flood", script);
    const running = on.follow("edge/Task/flood", "--output", "jsonl");
    await becomes("lines are left out in between", () => (running.stdout.match(/leftOut/g) ?? []).length > 2);
    await running.end("SIGINT");
    let next = 1;
    for (const each of parsed(running.stdout)) {
      if ("leftOut" in each) next += each.leftOut.lines;
      else {
        expect(each).toMatchObject({ line: next, text: `${"x".repeat(90)} ${next}` });
        next += 1;
      }
    }
  });

  // That it ends with its time is tested where time is virtual.
  it("leaves nothing behind: no dead letter, and nothing pending", async () => {
    const on = await stage();
    await task(on, "count", "let n = 0; setInterval(() => console.log(++n), 50)");
    expect((await on.logs("edge/Task/count", "--tail", "1")).stdout).toMatch(/^\d+\n$/);
    const shown = async (): Promise<boolean> =>
      z.object({ output: z.unknown() }).safeParse(await stateOf(on, "count")).success;
    expect(await shown()).toBe(true);
    await becomes("nothing is pending", async () => (await on.fleet.api.agent("edge")).pending === 0);
    expect(await on.fleet.api.deadLetters("edge")).toEqual([]);
  });

  it("shows what the last status has while the agent is away, and says so", async () => {
    const on = await stage();
    await task(on, "done", `console.log("one"); console.log("two")`);
    await task(on, "runs", "setInterval(() => {}, 1000)");
    await becomes("one is done, the other runs", async () => {
      const states = z.tuple([
        z.object({ state: z.literal("exited") }),
        z.object({ state: z.literal("running") }),
      ]);
      return states.safeParse([await stateOf(on, "done"), await stateOf(on, "runs")]).success;
    });
    await on.agent.kill();
    await becomes("the agent is away", async () => (await on.fleet.api.agent("edge")).state !== "connected");
    expect(await on.logs("edge/Task/done", "--tail", "1")).toEqual({
      code: 0,
      stdout: "two\n",
      stderr: expect.stringMatching(/^hawser: edge is not connected: .*last lines of its last status\n$/),
    });
    expect(await on.logs("edge/Task/runs")).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("edge is not connected"),
    });
    const running = on.follow("edge/Task/done");
    await becomes("it says that it waits", () => running.stderr.includes("edge is not connected"));
    await on.agent.start();
    await task(on, "done", `console.log("three")`);
    await becomes("it comes once the agent is back", () => running.stdout.includes("three"));
    expect(await running.end("SIGINT")).toBe(0);
  });

  it("says what there is not", async () => {
    const on = await stage();
    await on.fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "x" });
    expect(await on.logs("edge/Task/none")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("not_found"),
    });
    expect(await on.logs("edge/ConfigFile/motd")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no_handler"),
    });
    expect(await on.logs("edge")).toMatchObject({ code: 2 });
    expect(await on.logs("edge/Task/none", "--tail", "all")).toMatchObject({ code: 2 });
  });
});
