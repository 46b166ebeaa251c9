import { getEventListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRuntime } from "@hawser/runtime";
import { expect, it, onTestFinished } from "vitest";
import { SocketClient } from "./socket-client.js";

it("leaves nothing on its connection, nor on its signal, however many requests go by it", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hawser-client-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "agent.sock");
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ items: [] }));
  });
  let connections = 0;
  server.on("connection", () => void (connections += 1));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const interrupted = new AbortController();
  const client = new SocketClient({
    path,
    timeoutMs: 10_000,
    runtime: systemRuntime(),
    interrupted: interrupted.signal,
  });
  onTestFinished(async () => {
    client.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const warnings: string[] = [];
  const warned = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", warned);
  onTestFinished(() => void process.off("warning", warned));
  for (let request = 0; request < 20; request += 1) expect(await client.send([])).toEqual([]);
  expect(connections).toBe(1);
  expect(warnings).toEqual([]);
  expect(getEventListeners(interrupted.signal, "abort")).toEqual([]);
});

it("gives up a request that is under way when it is interrupted", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hawser-client-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "agent.sock");
  const interrupted = new AbortController();
  const server = createServer(() => interrupted.abort());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  const client = new SocketClient({
    path,
    timeoutMs: 10_000,
    runtime: systemRuntime(),
    interrupted: interrupted.signal,
  });
  await expect(client.send([])).rejects.toThrow("interrupted");
  client.close();
});
