import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { followOnCli } from "./support/cli-following.js";
import { becomes } from "./support/eventually.js";
import { outputContract } from "./support/output-contract.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import {
  createSharedFleet,
  createTestFleet,
  watchSharedFleet,
  type TestFleet,
} from "./support/test-fleet.js";

const lineSchema = (await outputContract())["get --watch"];

describe("what is taken out", () => {
  let fleet: TestFleet;
  watchSharedFleet(() => fleet);

  beforeAll(async () => {
    fleet = await createSharedFleet();
    await fleet.startPrincipal();
    await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "Ahoy." });
    await fleet.api.put("edge", "ConfigFile", "port", { path: "port", content: "80" });
  });

  const hawser = (...args: string[]) =>
    runProgram(PROGRAMS.cli, args, { env: { HAWSER_SERVER: fleet.api.server }, cwd: fleet.directory });

  it.each([
    ["get edge -o name", "edge/ConfigFile/motd\nedge/ConfigFile/port\n"],
    ["get edge/ConfigFile/motd -o name", "edge/ConfigFile/motd\n"],
    ["get --all --output name", "edge/ConfigFile/motd\nedge/ConfigFile/port\n"],
    ["get edge/ConfigFile/motd -o jsonpath={.spec.content}", "Ahoy.\n"],
    ["get edge -o jsonpath={[*].spec.path}", "motd port\n"],
    ['get edge -o jsonpath={range[*]}{.name}={.version}{"\\n"}{end}', undefined],
    ['get edge -o jsonpath={[?(@.state=="delivered")].name}', ""],
    ["agents -o name", "edge\n"],
    ["agents -o jsonpath={[0].state}", "disconnected\n"],
  ])("hawser %s", async (line, expected) => {
    const { code, stdout, stderr } = await hawser(...line.split(" "));
    if (expected === undefined) expect({ code, stderr }).toMatchObject({ code: 2, stderr: /range\[/ });
    else expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: expected, stderr: "" });
  });

  it("a manifest is what export prints, and apply takes it back", async () => {
    const { stdout } = await hawser("get", "edge", "-o", "manifest");
    expect(stdout).toBe((await hawser("export", "edge")).stdout);
    await writeFile(fleet.path("got.yaml"), stdout);
    expect((await hawser("apply", "-f", "got.yaml")).stdout).toMatch(/motd unchanged.*\n.*port unchanged/);
  });

  it.each([
    ["get edge/ConfigFile/motd -o jsonpath={.spec.nope}", 4, /leads nowhere: .*path, content/],
    ["get edge -o jsonpath={.a", 2, /is not closed/],
    ["get edge --watch -o name", 2, /do not go together/],
    ["agents -o manifest", 2, /hawser export/],
    ["status -o name", 2, /is for 'hawser get' and 'hawser agents'/],
    ["delete edge/ConfigFile/motd -o name", 2, /is for 'hawser get'/],
    ["get edge -o nonsense", 2, /jsonpath=PATH/],
  ])("hawser %s ends with %i and says why", async (line, expected, message) => {
    const { code, stdout, stderr } = await hawser(...line.split(" "));
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toMatch(message);
    // Nothing was done before it was refused.
    expect((await fleet.api.resource("edge", "ConfigFile", "motd")).state).toBe("pending");
  });
});

it("get --watch tells all, then each change, and misses nothing over a restart of the principal; Ctrl-C ends it with 0", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  await fleet.api.put("edge", "ConfigFile", "one", { path: "one", content: "1" });
  const lines = followOnCli(fleet.api.server, ["get", "edge", "--watch", "--output", "jsonl"]);
  const people = followOnCli(fleet.api.server, ["get", "--all", "--watch"]);
  await becomes("all are told", () => lines.stdout.includes("synced") && people.stdout.includes("one"));
  await (await fleet.agent("edge")).start();
  await becomes("it is delivered", () => /one .*delivered/.test(people.stdout));
  await fleet.principal.stop();
  await becomes("the break is told", () => lines.stderr.includes("broke off"));
  await fleet.startPrincipal();
  await fleet.api.put("edge", "ConfigFile", "two", { path: "two", content: "2" });
  await becomes("what came meanwhile is told", () => lines.stdout.includes('"two"'));
  const env = { HAWSER_SERVER: fleet.api.server };
  expect(await runProgram(PROGRAMS.cli, ["delete", "edge/ConfigFile/one"], { env })).toMatchObject({
    code: 0,
  });
  await becomes("it is gone", () => /one .*gone/.test(people.stdout) && lines.stdout.includes('"gone"'));
  expect(await lines.end("SIGINT")).toBe(0);
  expect(await people.end("SIGINT")).toBe(0);
  const changes = lines.stdout.trimEnd().split("\n");
  for (const line of changes)
    expect(lineSchema?.safeParse(JSON.parse(line))).toMatchObject({ success: true });
  expect(changes.filter((line) => line.includes("synced"))).toHaveLength(1);
  expect(lines.stderr).toContain("the stream goes on");
  const shown = people.stdout.trimEnd().split("\n");
  expect(shown[0]).toMatch(/^AGENT +KIND +NAME +VERSION +STATE/);
  for (const [n, line] of shown.entries()) expect(shown.indexOf(line)).toBe(n);
});

it("get --watch of what nobody has ends at once", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  await fleet.api.put("edge", "ConfigFile", "one", { path: "one", content: "1" });
  const env = { HAWSER_SERVER: fleet.api.server };
  for (const reference of ["nobody", "edge/ConfigFile/nothing"])
    expect(await runProgram(PROGRAMS.cli, ["get", reference, "--watch"], { env })).toMatchObject({ code: 4 });
});
