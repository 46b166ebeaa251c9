import { silentLogger, type LogFields } from "@hawser/runtime";
import { expect, it } from "vitest";
import { lineLog } from "./line-log.js";

it("logs ten lines at once and ten a second, and says how many it left out", () => {
  const lines: LogFields[] = [];
  let now = 0;
  const log = lineLog(
    { now: () => now, wallTime: () => 0 },
    { ...silentLogger, info: (fields) => void lines.push(fields) },
  );
  for (let line = 0; line < 100; line += 1) log(`line ${line}`);
  expect(lines).toHaveLength(10);
  now = 1_000;
  log("later");
  expect(lines.at(-1)).toEqual({ line: "later", suppressed: 90 });
  log("again");
  expect(lines.at(-1)).toEqual({ line: "again" });
});
