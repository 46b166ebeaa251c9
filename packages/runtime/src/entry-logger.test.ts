import { describe, expect, test } from "vitest";
import { entryLogger, type LogEntry } from "./entry-logger.js";
import { MAX_LOG_STRING_LENGTH } from "./log-fields.js";
import { LOG_LEVELS, silentLogger, type LogLevel } from "./logger.js";

const logAll = (level: LogLevel): LogEntry[] => {
  const entries: LogEntry[] = [];
  const logger = entryLogger(level, (entry) => entries.push(entry), { service: "s" }).child({ agent: "a" });
  for (const name of ["debug", "info", "warn", "error"] as const) logger[name]({ epoch: 3 }, name);
  return entries;
};

describe("an entry", () => {
  test("has the level, the time, the fields of the logger, of its child and of the line", () => {
    expect(logAll("error")).toEqual([
      { level: "error", time: expect.any(String), service: "s", agent: "a", epoch: 3, msg: "error" },
    ]);
  });

  test.each(LOG_LEVELS)("is told from %s on", (level) => {
    expect(logAll(level).map((entry) => entry.level)).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(level), 4));
  });

  test("has no longer string than the limit, and the caller keeps its own", () => {
    const entries: LogEntry[] = [];
    const fields = { reason: "x".repeat(2_000), ms: 1.23456 };
    entryLogger("info", (entry) => entries.push(entry)).info(fields, "x");
    expect(entries[0]).toMatchObject({
      reason: `${"x".repeat(MAX_LOG_STRING_LENGTH)}… (2000 characters)`,
      ms: 1.235,
    });
    expect(fields.reason).toHaveLength(2_000);
  });
});

test("the silent logger is its own child and takes everything", () => {
  expect(silentLogger.child({ agent: "a" })).toBe(silentLogger);
  for (const level of ["debug", "info", "warn", "error"] as const)
    expect(silentLogger[level]({}, "x")).toBeUndefined();
});
