import { spawnSync } from "node:child_process";
import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { followOnCli, serve, type FollowingCli } from "./support/cli-following.js";
import { becomes } from "./support/eventually.js";
import { outputContract } from "./support/output-contract.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { onTerminal } from "./support/terminal.js";
import { createTestFleet } from "./support/test-fleet.js";

const missing = spawnSync("script", ["--version"]).status === 0 ? "" : " (skipped: there is no script(1))";
const lineSchema = (await outputContract())["agents --watch"];

function told(name: string, state = "connected"): string {
  const data = { name, state, reason: "told by a test", pending: 0, deadLetters: 0 };
  return `event: agent\ndata: ${JSON.stringify(data)}\n\n`;
}

function synced(id: string): string {
  return `id: ${id}\nevent: synced\ndata: {}\n\n`;
}

const RESET = 'id: \nevent: reset\ndata: {"message":"forget all"}\n\n';

/** A principal whose streams go as told: one answer after the other, each broken off at its end, the last one kept. */
async function streams(...answers: readonly string[]): Promise<{ server: string; asked: unknown[] }> {
  const asked: unknown[] = [];
  const server = await serve((request, response: ServerResponse) => {
    const answer = answers[asked.length] ?? "";
    asked.push(request.headers["last-event-id"]);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(answer, () => {
      if (asked.length < answers.length) response.destroy();
    });
  });
  return { server, asked };
}

function changesOf({ stdout }: FollowingCli): readonly string[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const change = JSON.parse(line) as { change: string; name?: string; agent?: { name: string } };
      return [change.change, change.name ?? change.agent?.name].join(" ").trim();
    });
}

it("a real principal's agents: all, synced, what changes; each line as the contract says, and Ctrl-C ends with 0", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = await fleet.agent("edge");
  await fleet.api.put("edge", "ConfigFile", "there", { path: "there", content: "x" });
  const watching = followOnCli(fleet.api.server, ["agents", "--watch", "--output", "jsonl"]);
  await becomes("all are told", () => watching.stdout.includes("synced"));
  await agent.start();
  await becomes("it is told as connected", () => /"state":"connected".*"pending":0/.test(watching.stdout));
  expect(await watching.end("SIGINT")).toBe(0);
  expect(changesOf(watching).slice(0, 2)).toEqual(["agent edge", "synced"]);
  for (const line of watching.stdout.trimEnd().split("\n"))
    expect(lineSchema?.safeParse(JSON.parse(line))).toMatchObject({ success: true });
});

it("comes back with the last id, and tells what changed meanwhile", async () => {
  const { server, asked } = await streams(
    told("a") + synced("b-1"),
    told("a", "disconnected") + synced("b-2"),
  );
  const watching = followOnCli(server, ["agents", "--watch"]);
  await becomes("the second stream is told", () => watching.stdout.includes("disconnected"));
  await watching.end("SIGINT");
  expect(asked).toEqual([undefined, "b-1"]);
  expect(watching.stdout).toMatch(
    /^[\d:]{8} {2}a {13}connected .*told by a test\n[\d:]{8} {2}a {13}disconnected/,
  );
  expect(watching.stderr).toMatch(
    /^hawser: the stream broke off .*resuming in [\d.]+s\nhawser: the stream goes on\n$/,
  );
});

it("says when all are told anew; broken off half-way through that, it does not come back as if it knew them", async () => {
  const { server, asked } = await streams(
    told("a") + told("b") + synced("b-1"),
    RESET + told("a"),
    told("c") + synced("c-1"),
  );
  const watching = followOnCli(server, ["agents", "--watch", "--output", "jsonl"]);
  await becomes("the third stream is told", () => watching.stdout.includes('"c"'));
  await watching.end("SIGTERM");
  expect(asked).toEqual([undefined, "b-1", undefined]);
  expect(changesOf(watching)).toEqual([
    "agent a",
    "agent b",
    "synced",
    "reset",
    "agent a",
    "reset",
    "agent c",
    "synced",
  ]);
  expect(watching.stderr).toContain("all agents are told anew");
});

it("hands on what is asked for, and refuses an order that lines cannot have", async () => {
  const paths: unknown[] = [];
  const server = await serve((request, response) => {
    paths.push(request.url);
    response.writeHead(200, { "content-type": "text/event-stream" }).write(synced("b-1"));
  });
  const watching = followOnCli(server, ["agents", "-w", "--state", "connected", "--name", "edge-"]);
  await becomes("it asks", () => paths.length > 0);
  await watching.end("SIGINT");
  expect(paths).toEqual(["/v1/streams/agents?state=connected&name=edge-"]);
  const { code, stderr } = await runProgram(PROGRAMS.cli, ["agents", "--watch", "--sort", "pending"]);
  expect(code).toBe(2);
  expect(stderr).toContain("live table");
});

it.skipIf(missing !== "")(
  `a screen on a terminal, within its height, that scrolls and sorts${missing}`,
  async () => {
    const many = Array.from({ length: 200 }, (_, index) => told(`n${1000 + index}`)).join("");
    const { server } = await streams(many + synced("b-1"));
    const { shown, status } = await onTerminal("agents --watch", {
      server,
      rows: 12,
      steps: [
        [/1 to 6 of 200, by name up.*q ends, \? shows the keys/s, "\u001B[6~\u001B[B"],
        [/n1007 .*n1012 .*8 to 13 of 200/s, "\u001B[F"],
        [/n1194 .*n1199 .*195 to 200 of 200/s, "r"],
        [/n1005 .*n1000 .*195 to 200 of 200, by name down/s, "s"],
        [/1 to 6 of 200, by pending down/s, "?"],
        [/PgUp, PgDn .*a page.*q, Ctrl-C/s, "\u001B[H"],
        [/1 to 6 of 200/s, "q"],
      ],
    });
    expect(status).toBe(0);
    const frames = shown.split("\u001B[H").slice(1);
    for (const frame of frames) expect(frame.split("\n").length).toBeLessThanOrEqual(12);
    expect(frames.at(-1)).toMatch(/agents 200\/200 connected .*1 to 6 of 200/s);
  },
);

it.skipIf(missing !== "")(`what cannot be read is told where errors are read${missing}`, async () => {
  const { shown, status } = await onTerminal("agents --watch", { server: "http://127.0.0.1:9" });
  expect(status).toBe(3);
  expect(shown.slice(shown.lastIndexOf("\u001B[?1049l"))).toContain("no principal answers");
});
