import { spawn } from "node:child_process";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { becomes } from "./support/eventually.js";
import { plainEnvironment, PROGRAMS, runProgram } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

const stepSchema = z.object({
  step: z.string(),
  agent: z.string(),
  resourceid: z.string(),
  eventid: z.string(),
  code: z.string().optional(),
  latencyMs: z.number().optional(),
});
type Step = z.infer<typeof stepSchema>;

/** `hawser events --follow`, and what it has said so far. */
class Follower {
  stdout = "";
  stderr = "";

  constructor(fleet: TestFleet) {
    const args = ["events", "--follow", "--output", "jsonl"];
    const child = spawn(process.execPath, [PROGRAMS.cli, ...args, "--server", fleet.api.server], {
      env: plainEnvironment(),
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (this.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (this.stderr += chunk));
  }

  get steps(): readonly Step[] {
    const lines = this.stdout.split("\n").slice(0, -1);
    return lines.map((line) => stepSchema.parse(JSON.parse(line)));
  }

  /** What became of the events of one resource. */
  lifeOf(name: string): readonly string[] {
    return this.steps.filter(({ resourceid }) => resourceid.startsWith(`${name}_`)).map(({ step }) => step);
  }

  /** Waits until it follows: something has to happen for that to be seen. */
  async listening(fleet: TestFleet): Promise<void> {
    let probes = 0;
    const before = this.stdout;
    await becomes("the stream tells something", async () => {
      probes += 1;
      await fleet.api.post("bystander", {
        id: `${probes}`,
        type: "e2e.probe.v1",
        resourceid: `probe_${probes}`,
      });
      return this.stdout !== before;
    });
  }
}

function cli(fleet: TestFleet, args: readonly string[], input = ""): ReturnType<typeof runProgram> {
  return runProgram(PROGRAMS.cli, [...args, "--server", fleet.api.server], { input });
}

it("hawser events --follow tells the life of a resource and of a batch, event by event", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  await (await fleet.agent("edge")).start();
  await fleet.connected("edge");
  const follower = new Follower(fleet);
  await follower.listening(fleet);

  await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "ahoy" });
  await becomes("its status is told", () => follower.lifeOf("motd").length >= 4);
  // The status is on its way before the ACK is, and has a commit of its own here: which of the two is told first is open.
  const [accepted, delivered, ...settled] = follower.lifeOf("motd");
  expect([accepted, delivered, ...settled.sort()]).toEqual(["accepted", "sent", "acked", "applied"]);
  expect(follower.steps.find(({ step }) => step === "acked")?.latencyMs).toBeGreaterThan(0);

  const event = { specversion: "1.0", source: "/e2e", type: "e2e.nobody.v1" };
  const batch = [
    { ...event, id: "1", resourceid: "one_1" },
    { ...event, id: "2" },
    { ...event, id: "3", resourceid: "two_1" },
  ];
  const sent = await cli(fleet, ["send", "edge", "--file", "-"], JSON.stringify(batch));
  expect(sent.code).toBe(1);
  expect(sent.stdout).toMatch(/^edge one_1 accepted, version \d+\nedge two_1 accepted, version \d+\n$/);
  expect(sent.stderr).toMatch(/^hawser: event 2: missing_resourceid: .+\n$/);
  const refused = ["accepted", "sent", "nacked", "dead_letter"];
  for (const name of ["one", "two"]) {
    await becomes(`${name} is refused`, () => follower.lifeOf(name).length === refused.length);
    expect(follower.lifeOf(name)).toEqual(refused);
  }
  const again = await cli(fleet, ["send", "edge", "--file", "-"], JSON.stringify(batch));
  expect(again.stdout).toMatch(/^edge one_1 was accepted before, .*\nedge two_1 was accepted before, .*\n$/);

  const top = await cli(fleet, ["top", "--once", "--output", "json"]);
  expect(JSON.parse(top.stdout)).toMatchObject({
    agents: expect.arrayContaining([expect.objectContaining({ name: "edge" })]),
  });
});

it("hawser events tells what is remembered, and goes on over a restart, with the gap told", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  await fleet.api.post("edge", { id: "early", type: "e2e.command.v1", resourceid: "early_1" });
  const remembered = await cli(fleet, ["events", "--output", "jsonl"]);
  expect(remembered).toMatchObject({ code: 0, stderr: "" });
  expect(remembered.stdout).toContain('"resourceid":"early_1"');

  const follower = new Follower(fleet);
  await follower.listening(fleet);
  await fleet.principal.kill();
  await becomes("the break is told", () => follower.stderr.includes("the stream broke off"));
  await fleet.startPrincipal();
  await fleet.api.post("edge", { id: "late", type: "e2e.command.v1", resourceid: "late_1" });
  await becomes("it goes on", () => follower.lifeOf("late").length > 0);
  expect(follower.stderr).toContain("some steps are missing");
});

it("a stop of the principal ends streams at once and cleanly", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const streams = await Promise.all(
    ["events", "agents"].map((kind) =>
      fetch(`${fleet.api.server}/v1/streams/${kind}`, { headers: fleet.api.authorization }),
    ),
  );
  const texts = Promise.all(streams.map((stream) => stream.text()));
  const { code } = await fleet.principal.stop();
  expect(code).toBe(0);
  expect(await texts).toEqual([expect.stringContaining("id: "), expect.stringContaining("event: synced")]);
});
