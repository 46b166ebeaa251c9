import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { destinationOf, lineOutput, MAX_WAITING_LOG_BYTES, type TellDropped } from "./standard-output.js";

/** A file of its own, open with these flags. */
function openedFile(flags: "a" | "r" | number, make = (path: string) => closeSync(openSync(path, "a"))) {
  const folder = mkdtempSync(join(tmpdir(), "hawser-lines-"));
  const path = join(folder, "log");
  make(path);
  const descriptor = openSync(path, flags);
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return { descriptor, read: () => readFileSync(path, "utf8") };
}

function opened(flags: "a" | "r", tellDropped?: TellDropped) {
  const { descriptor, read } = openedFile(flags);
  return { output: lineOutput(descriptor, tellDropped), read };
}

it("lines arrive in order and whole, and the last one at once", async () => {
  const { output, read } = opened("a");
  const lines = Array.from({ length: 1_000 }, (_, n) => `${n} ${"ü".repeat(n)}\n`);
  for (const line of lines) output.write(line);
  await output.drained();
  expect(read()).toBe(lines.join(""));
  output.writeNow("last\n");
  expect(read().endsWith("last\n")).toBe(true);
});

it("what waits is bounded, and what was dropped is told once the rest is written", async () => {
  const told: number[] = [];
  const { output, read } = opened("a", (lines) => told.push(lines));
  const line = `${"x".repeat(1024 * 1024 - 1)}\n`;
  const fits = MAX_WAITING_LOG_BYTES / line.length;
  for (let n = 0; n < fits + 3; n += 1) output.write(line);
  expect(told).toEqual([]);
  await output.drained();
  expect(told).toEqual([3]);
  expect(read()).toHaveLength(MAX_WAITING_LOG_BYTES);
  output.write("next\n");
  await output.drained();
  expect(told).toEqual([3]);
  expect(read().endsWith("next\n")).toBe(true);
});

it("a descriptor that cannot be written ends nobody, and holds no stop up", async () => {
  const { output, read } = opened("r");
  output.write("not for reading\n");
  output.write("nor this\n");
  output.writeNow("nor that\n");
  await output.drained();
  output.write("nor the next one\n");
  await output.drained();
  expect(read()).toBe("");
});

it("a flush writes what waits", async () => {
  const { descriptor, read } = openedFile("a");
  const stream = destinationOf(descriptor);
  const written = once(stream, "write");
  // The first line is on its way to a thread; the second one waits for its answer.
  stream.write("first\n");
  stream.write("second\n");
  stream.flushSync();
  expect(read()).toContain("second\n");
  await written;
});

it.skipIf(process.platform === "win32")("a flush does not wait for a reader that stalls", async () => {
  const { O_RDWR, O_NONBLOCK } = constants;
  const { descriptor } = openedFile(O_RDWR | O_NONBLOCK, (path) => void execFileSync("mkfifo", [path]));
  const chunk = Buffer.alloc(4096);
  expect(() => {
    for (;;) writeSync(descriptor, chunk);
  }).toThrow("EAGAIN");
  const stream = destinationOf(descriptor);
  const failed = once(stream, "error");
  stream.write("first\n");
  stream.write("second\n");
  stream.flushSync();
  await failed;
});

it("a flush does not try again what cannot be written", async () => {
  const { descriptor, read } = openedFile("r");
  const stream = destinationOf(descriptor);
  stream.write("first\n");
  await once(stream, "error");
  stream.flushSync();
  expect(read()).toBe("");
});
