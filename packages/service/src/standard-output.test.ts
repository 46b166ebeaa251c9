import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { lineOutput, MAX_WAITING_LOG_BYTES, type TellDropped } from "./standard-output.js";

/** A file of its own, open for what is asked for. */
function opened(flags: "a" | "r", tellDropped?: TellDropped) {
  const folder = mkdtempSync(join(tmpdir(), "hawser-lines-"));
  const path = join(folder, "log");
  closeSync(openSync(path, "a"));
  const descriptor = openSync(path, flags);
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return { output: lineOutput(descriptor, tellDropped), read: () => readFileSync(path, "utf8") };
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
