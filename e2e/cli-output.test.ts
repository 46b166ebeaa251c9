import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { outputContract } from "./support/output-contract.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

const contract = await outputContract();

let fleet: TestFleet;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
  await (await fleet.agent("edge")).start();
  await fleet.connected("edge");
  await fleet.api.put("edge", "ConfigFile", "there", { path: "there", content: "x" });
  await fleet.api.post("edge", { id: "1", type: "e2e.nobody.v1", resourceid: "order_u1" });
  await writeFile(
    fleet.path("m.yaml"),
    "agent: edge\nkind: ConfigFile\nname: motd\nspec: {path: motd, content: a}\n",
  );
});

/** What each command prints for programs, in this order: command of the contract, command line, exit code. */
const LINES: readonly (readonly [string, string, number])[] = [
  ["diff", "diff -f m.yaml --prune", 1],
  ["apply", "apply -f m.yaml --dry-run --prune", 0],
  ["apply", "apply -f m.yaml --wait", 0],
  ["export", "export", 0],
  ["export", "export edge", 0],
  ["get", "get edge", 0],
  ["get", "get edge/ConfigFile/motd", 0],
  ["describe", "describe edge", 0],
  ["describe", "describe edge/ConfigFile/motd", 0],
  ["wait", "wait edge edge/ConfigFile/motd", 0],
  ["agents", "agents", 0],
  ["send", "send edge --type e2e.nobody.v1 --resource order_u2 --data 1", 0],
  ["top", "top --once --interval 200ms", 0],
  ["status", "status", 0],
  ["wait", "wait edge --for idle", 0],
  ["dead-letters list", "dead-letters list", 0],
  ["dead-letters requeue", "dead-letters requeue edge --all", 0],
  ["dead-letters discard", "dead-letters discard nobody --all", 0],
  ["agents purge", "agents purge edge --yes", 0],
  ["doctor", "doctor --data-dir . --port 127.0.0.1:0", 0],
  ["sinks show", "sinks add audit --file --from oldest", 0],
  ["sinks show", "sinks pause audit", 0],
  ["sinks show", "sinks resume audit", 0],
  ["sinks show", "sinks show audit", 0],
  ["sinks list", "sinks list", 0],
  ["sinks test", "sinks test audit", 0],
  ["sinks dead-letters", "sinks dead-letters audit", 0],
  ["sinks requeue", "sinks requeue audit --all", 0],
  ["sinks requeue", "sinks discard audit --all", 0],
  ["sinks remove", "sinks remove audit", 0],
  ["explain", "explain", 0],
  ["explain", "explain conflict", 0],
  ["context list", "context list", 0],
  ["context show", "context show", 0],
  ["delete", "delete edge/ConfigFile/motd", 0],
  ["agents remove", "agents remove edge --force", 0],
  ["agents --removed", "agents --removed", 0],
  ["agents remove", "agents readmit edge", 0],
  ["drain", "drain --window 0s --return 0s --yes", 0],
  ["drain", "drain --undo", 0],
];

describe("what is printed for programs", () => {
  it.each(LINES)("%s: hawser %s", async (command, line, expected) => {
    const check = contract[command];
    const env = { HAWSER_SERVER: fleet.api.server, HAWSER_CONFIG: fleet.path("config.yaml") };
    const format = line.length % 2 === 0 ? "json" : "yaml";
    const args = [...line.split(" "), "--output", format];
    const { code, stdout, stderr } = await runProgram(PROGRAMS.cli, args, { env, cwd: fleet.directory });
    expect({ code, stderr }).toMatchObject({ code: expected });
    const value: unknown = format === "json" ? JSON.parse(stdout) : parse(stdout);
    expect(check?.safeParse(value)).toMatchObject({ success: true });
  });

  it("each command of the contract is among these, but for those with tests of their own", () => {
    // cli-streams.test.ts, cli-logs.test.ts, cli-watch.test.ts, cli-get.test.ts, cli-edit.test.ts, restored-store.test.ts, cli.test.ts and sinks.test.ts
    const elsewhere = [
      "events",
      "events --recorded",
      "logs",
      "agents --watch",
      "get --watch",
      "edit",
      "adopt",
      "error",
    ];
    expect([...new Set([...LINES.map(([command]) => command), ...elsewhere])].sort()).toEqual(
      Object.keys(contract).sort(),
    );
  });
});
