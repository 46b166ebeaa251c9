import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { statusEvent } from "@hawser/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import { HostileAgent } from "./support/hostile-agent.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import type { RawWebSocket } from "./support/raw-websocket.js";
import { onTerminal } from "./support/terminal.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

const missing = spawnSync("script", ["--version"]).status === 0 ? "" : " (skipped: there is no script(1))";

const ESC = "\u001b";
/** C0 but newline and tab, DEL, C1, and the controls of the direction of writing. By their numbers: the program has them by their properties. */
const OBEYED: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0x061c, 0x061c],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2066, 0x2069],
];
function obeyedIn(text: string): string[] {
  return Array.from(text)
    .map((character) => character.codePointAt(0) ?? 0)
    .filter((point) => OBEYED.some(([from, to]) => point >= from && point <= to))
    .map((point) => point.toString(16));
}
/** What the program itself asks a terminal for: attributes, the other screen, the place of the cursor; and the line ends of a terminal. */
const OWN = new RegExp(
  `${ESC}\\[(?:1|2|22|3[1-9])m|${ESC}\\[\\?(?:1049|25)[hl]|${ESC}\\[[HJK]|\\r${ESC}\\[2K|\\r+\\n`,
  "g",
);

/** Sets the title, clears the screen, colours, rings, turns the writing round, and imitates the marks of the program. */
const HOSTILE = `${ESC}]0;owned\u0007${ESC}[2J${ESC}[31mred\u009b1mbold\u007f\b\r\u202edrawkcab\u2066x\u200f\u061c\ufdd01\ufdd1`;
/** The same without what a CloudEvents attribute or a name may not hold. */
const RENDERED = "\\x1b]0;owned\\x07";

/** This agent sends no heartbeats. */
const QUIET = ["--log-level", "debug", "--heartbeat-interval", "30m", "--heartbeat-timeout", "1h"];

let fleet: TestFleet;
let agent: HostileAgent<RawWebSocket>;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet(QUIET);
  await fleet.startPrincipal();
  agent = await HostileAgent.overWebSocket("edge", fleet.listen);
  await agent.openSession({ software: HOSTILE });
  await fleet.api.put("edge", "ConfigFile", "told", { path: "a", content: "x" });
  await fleet.api.put("edge", "ConfigFile", "refused", { path: "b", content: "x" });
  await fleet.api.post("edge", { id: "1", type: "e2e.order.v1", resourceid: "order_u1" });
  const said = await eventually("three events arrive", () => {
    const events = agent.wire.frames.map((frame) => JSON.parse(frame) as Record<string, string>);
    const about = (text: string) => events.find(({ resourceid = "" }) => resourceid.startsWith(text));
    const [told, refused, order] = ["told_", "refused_", "order_"].map(about);
    return told && refused && order ? { told, refused, order } : undefined;
  });
  for (const { resourceid = "", eventid = "" } of [said.refused, said.order])
    agent.control({
      type: "nack",
      resourceid,
      eventid,
      retryable: false,
      code: "handler_failed",
      message: HOSTILE,
    });
  const { resourceid = "", eventid = "" } = said.told;
  agent.control({ type: "ack", acks: [{ resourceid, eventid }] });
  const status = { state: HOSTILE, [HOSTILE]: [HOSTILE, { deep: `${"long ".repeat(30)}${HOSTILE}\n` }] };
  agent.send({
    ...statusEvent({
      id: "s1",
      source: "/agents/edge",
      kind: "ConfigFile",
      name: "told",
      uid: resourceid.slice("told_".length),
      status,
      observed: eventid,
    }),
    resourceid,
    eventid: "1",
  });
  // Refused by the principal: its log then tells of what came.
  agent.send({
    specversion: "1.0",
    id: "e2",
    source: "/agents/edge\u202e",
    type: "e2e.nobody\u202e.v1",
    resourceid: "\u202eother_u1",
    eventid: "2",
    data: HOSTILE,
  });
  await becomes("the status is told", async () =>
    JSON.stringify(await fleet.api.resource("edge", "ConfigFile", "told")).includes("owned"),
  );
  await agent.heard("nack");
  await writeFile(
    fleet.path("m.yaml"),
    "agent: edge\nkind: ConfigFile\nname: refused\nspec: {path: b, content: x}\n",
  );
});

/** Every command that shows what an agent said. */
const SHOWING = [
  "get edge",
  "get edge/ConfigFile/told",
  "describe edge",
  "describe edge/ConfigFile/told",
  "describe edge/ConfigFile/refused",
  "agents",
  "events",
  "events edge",
  "dead-letters list",
  "wait edge/ConfigFile/refused --timeout 1s",
  "wait edge/ConfigFile/told --for status.state=running --timeout 300ms",
  "wait edge/ConfigFile/told --for observed",
  "apply -f m.yaml --wait --timeout 1s",
  "diff -f m.yaml --prune",
  "top --once --interval 200ms",
  "status",
  "doctor",
  "__complete get edge/",
  "dead-letters requeue edge no-such-event",
];
/** `table` is `wide` with fewer columns, `jsonl` is `json` without its spaces. */
const FORMATS = ["wide", "json", "yaml"];

function run(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { HAWSER_SERVER: fleet.api.server, HAWSER_CONFIG: fleet.path("config.yaml") };
  return runProgram(PROGRAMS.cli, line.split(" "), { env, cwd: fleet.directory });
}

describe("what an agent says is shown and never obeyed", () => {
  it("a person sees what it was", async () => {
    expect((await run("get edge/ConfigFile/told")).stdout).toContain(RENDERED);
    expect((await run("describe edge/ConfigFile/told")).stdout).toContain(
      String.raw`\u001b]0;owned\a`.slice(7),
    );
    expect((await run("agents --output wide")).stdout).toContain(RENDERED);
    expect((await run("wait edge/ConfigFile/refused")).stderr).toContain(RENDERED);
  });

  it("a program gets the value itself", async () => {
    const { stdout } = await run("get edge/ConfigFile/told --output json");
    expect(JSON.parse(stdout)).toMatchObject({ status: { state: HOSTILE } });
  });

  it.each(SHOWING)("hawser %s", async (line) => {
    for (const format of FORMATS) {
      const { stdout, stderr } = await run(`${line} --output ${format}`);
      expect(obeyedIn(stdout + stderr), `${line} as ${format}`).toEqual([]);
      if (format === "json" && stdout !== "" && !line.startsWith("__complete") && !line.startsWith("events"))
        JSON.parse(stdout);
    }
  });

  it("the log has it as escapes, also once its lines are parsed", async () => {
    const text = await fleet.principal.logText();
    expect(text).toMatch(/owned|other_u1/);
    for (const line of text.trimEnd().split("\n")) {
      expect(obeyedIn(line)).toEqual([]);
      expect(stringsOf(JSON.parse(line)).flatMap(obeyedIn)).toEqual([]);
    }
  });
});

function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => [name, ...stringsOf(each)]);
}

describe.skipIf(missing !== "")(`on a terminal${missing}`, () => {
  const LINES = [
    "get edge",
    "describe edge/ConfigFile/told",
    "events",
    "dead-letters list",
    "wait edge/ConfigFile/refused --timeout 1s",
    "wait edge/ConfigFile/told --for status.state=running --timeout 300ms",
  ];
  it.each(LINES)("hawser %s", async (line) => {
    const { shown } = await onTerminal(line, { server: fleet.api.server });
    expect(obeyedIn(shown.replaceAll(OWN, "\n"))).toEqual([]);
  });

  it.each(["top", "agents --watch", "agents --watch --output wide"])("hawser %s, until q", async (line) => {
    const { shown } = await onTerminal(line, {
      server: fleet.api.server,
      steps: [[/edge/, "q"]],
    });
    expect(shown).toContain("edge");
    expect(obeyedIn(shown.replaceAll(OWN, "\n"))).toEqual([]);
  });

  it("hawser apply --wait", async () => {
    const { shown } = await onTerminal(`apply -f ${fleet.path("m.yaml")} --wait --timeout 1s`, {
      server: fleet.api.server,
    });
    expect(obeyedIn(shown.replaceAll(OWN, "\n"))).toEqual([]);
  });
});
