import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemTimers } from "@hawser/runtime";
import { expect, it, onTestFinished } from "vitest";
import { becomes } from "./support/eventually.js";
import { plainEnvironment, PROGRAMS, runProgram } from "./support/programs.js";

/** A principal that can be made to break off, which a real one does too seldom. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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

interface Running {
  stdout: string;
  stderr: string;
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
  readonly closeStdout: () => void;
  readonly ended: Promise<number | null>;
}

function follow(server: string, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [PROGRAMS.cli, "events", "--follow", ...args], {
    env: { ...plainEnvironment(), HAWSER_SERVER: server },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<number | null>((resolve) => {
    child.on("exit", resolve);
  });
  const running: Running = {
    stdout: "",
    stderr: "",
    ended,
    closeStdout: () => child.stdout.destroy(),
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (running.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (running.stderr += chunk));
  return running;
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
