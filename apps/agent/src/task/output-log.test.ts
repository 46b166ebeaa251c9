import { outputLineBytes } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import { OutputLog } from "./output-log.js";

function logOf(maxBytes: number, ...lines: readonly string[]): OutputLog {
  const log = new OutputLog("l", maxBytes);
  for (const line of lines) log.add(line, 0);
  return log;
}

describe("the output of a Task", () => {
  it("is kept within its bytes, and what was dropped is counted", () => {
    const log = logOf(6, "a", "b", "c", "dd");
    expect(log.after(undefined)).toEqual({
      log: "l",
      oldest: 2,
      line: 2,
      bytes: 4,
      lines: ["c", "dd"],
      starts: [{ line: 2, run: 0 }],
    });
  });

  it("is kept within its lines", () => {
    const log = logOf(65_536, ...Array.from({ length: 1_500 }, () => ""));
    expect(log.after(undefined)).toMatchObject({ oldest: 500, line: 500, bytes: 500 });
  });

  it("keeps nothing where nothing is to be kept", () => {
    expect(logOf(0, "a").after(undefined)).toMatchObject({ oldest: 1, line: 1, bytes: 2, lines: [] });
  });

  it("is shown from where somebody is", () => {
    const log = logOf(100, "a", "b", "c");
    expect(log.after({ log: "l", line: 2 })).toMatchObject({ line: 2, bytes: 4, lines: ["c"], starts: [] });
    expect(log.after({ log: "l", line: 9 })).toMatchObject({ line: 3, lines: [] });
    expect(log.after({ log: "of before", line: 2 })).toMatchObject({ line: 0, lines: ["a", "b", "c"] });
  });

  it("says where runs begin that have written something", () => {
    const log = new OutputLog("l", 100);
    log.begin(0);
    log.add("first", 0);
    log.begin(1);
    log.begin(2);
    log.add("third", 0);
    log.add("third again", 0);
    expect(log.after(undefined).starts).toEqual([
      { line: 0, run: 0 },
      { line: 1, run: 2 },
    ]);
    expect(log.after({ log: "l", line: 2 }).starts).toEqual([]);
  });

  it("says how much of a line is not there, and counts what is", () => {
    const log = new OutputLog("l", 100);
    log.add("x", 12);
    const { lines, bytes } = log.after(undefined);
    expect(lines).toEqual(["x ... 12 characters left out"]);
    log.add("y", 0);
    expect(log.after({ log: "l", line: 1 }).bytes).toBe(bytes + outputLineBytes(lines[0] ?? ""));
  });
});
