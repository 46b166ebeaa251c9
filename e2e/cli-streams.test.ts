import { systemTimers } from "@hawser/runtime";
import { expect, it } from "vitest";
import { followOnCli, serve, type FollowingCli } from "./support/cli-following.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";

function follow(server: string, ...args: readonly string[]): FollowingCli {
  return followOnCli(server, ["events", "--follow", ...args]);
}

function step(sequence: number): string {
  const data = {
    agent: "edge",
    resourceid: "motd_u1",
    eventid: `${sequence}`,
    at: "2026-01-01T00:00:00.000Z",
  };
  return `id: b-${sequence}\nevent: acked\ndata: ${JSON.stringify({ ...data, latencyMs: 1.5 })}\n\n`;
}

it("a stream that breaks off is resumed where it was, and Ctrl-C ends it with 0", async () => {
  const asked: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    asked.push(request.headers["last-event-id"]?.toString());
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (asked.length === 1) response.write(step(1) + step(2), () => response.destroy());
    else response.write(step(3));
  });
  const running = follow(server, "--output", "jsonl");
  await becomes("the third step comes", () => running.stdout.split("\n").length === 4);
  expect(await running.end("SIGINT")).toBe(0);
  expect(asked).toEqual([undefined, "b-2"]);
  const ids = running.stdout
    .trimEnd()
    .split("\n")
    .map((line) => /"id":"([^"]+)"/.exec(line)?.[1]);
  expect(ids).toEqual(["b-1", "b-2", "b-3"]);
  expect(running.stderr).toMatch(/broke off .*resuming in [\d.]+s\nhawser: the stream goes on\n$/);
});

it("a gap is told", async () => {
  const server = await serve((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`event: gap\ndata: {}\n\n${step(9)}`);
  });
  const running = follow(server, "--since", "b-1");
  await becomes("the step comes", () => running.stdout.includes("motd_u1 v9"));
  expect(running.stderr).toContain("some steps are missing");
  await running.end("SIGTERM");
});

it("a reader that has gone ends it with 0", async () => {
  const server = await serve((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const more = (): void => {
      if (!response.destroyed) response.write(step(1), () => systemTimers.after(5, more));
    };
    more();
  });
  const running = follow(server);
  await becomes("something comes", () => running.stdout !== "");
  running.closeStdout();
  expect(await running.ended).toBe(0);
});

it("a refusal for good is not tried again: an unknown stream, a wrong token", async () => {
  const server = await serve((request, response) => {
    const status = request.url?.startsWith("/v1/streams") === true ? 401 : 404;
    response.writeHead(status, { "content-type": "application/problem+json" });
    response.end('{"type":"urn:hawser:error:unauthenticated","code":"unauthenticated","detail":"no token"}');
  });
  const { code, stderr } = await runProgram(PROGRAMS.cli, ["events", "--follow", "--server", server]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      "hawser: unauthenticated: no token; give the token with --token-file, HAWSER_TOKEN or a context\n",
  });
});

it("without --follow it tells what is remembered, and ends", async () => {
  const server = await serve((request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(request.headers["last-event-id"] === "0-0" ? step(1) : ": nothing\n\n");
  });
  const { code, stdout } = await runProgram(PROGRAMS.cli, ["events", "--server", server]);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/edge +acked +motd_u1 v1 +1\.5ms\n$/),
  });
});
