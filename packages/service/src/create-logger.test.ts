import { LOG_LEVELS, MAX_LOG_STRING_LENGTH, type LogLevel } from "@hawser/runtime";
import { describe, expect, test } from "vitest";
import { createLogger, type LoggerOptions } from "./create-logger.js";

/** What a logger wrote, line by line. */
function recorder(options: Omit<LoggerOptions, "write"> = {}) {
  const lines: string[] = [];
  const logger = createLogger({ ...options, write: (line) => lines.push(line) });
  const entries = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line));
  return { logger, lines, entries };
}

describe("a line", () => {
  test("is one JSON object with the level by name, the time, the base and the fields", () => {
    const { logger, lines, entries } = recorder({ base: { service: "principal" } });
    logger.warn({ agent: "edge-7", epoch: 3 }, "the session was superseded");
    expect(lines[0]?.endsWith("\n")).toBe(true);
    const [entry] = entries();
    expect(entry).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
      service: "principal",
      agent: "edge-7",
      epoch: 3,
      msg: "the session was superseded",
    });
  });

  test("is written whatever was thrown", () => {
    const { logger, entries } = recorder();
    const thrower = (): never => {
      throw new Error("a trap");
    };
    const { proxy, revoke } = Proxy.revocable(new Error("x"), {});
    revoke();
    const thrown = [
      Object.create(null),
      Object.defineProperty(new Error("x"), "message", { get: thrower }),
      Object.defineProperty(new Error("x"), "stack", { get: thrower }),
      Object.defineProperty(new Error("x"), "more", { get: thrower, enumerable: true }),
      { toJSON: thrower },
      proxy,
    ];
    for (const err of thrown) logger.error({ err }, "a handler failed");
    logger.error({ err: new TypeError("no function") }, "a handler failed");
    expect(entries()).toHaveLength(thrown.length + 1);
    expect(entries()[1]).toMatchObject({ err: "something was thrown that cannot be shown" });
    expect(entries().at(-1)).toMatchObject({ err: { type: "TypeError", message: "no function" } });
  });

  test("has the fields of the moment, also on a child", () => {
    let trace_id = "1";
    const { logger, entries } = recorder({ context: () => ({ trace_id }) });
    const child = logger.child({ agent: "edge-7" });
    logger.info({}, "first");
    trace_id = "2";
    child.info({ epoch: 3 }, "second");
    expect(entries()).toMatchObject([{ trace_id: "1" }, { trace_id: "2", agent: "edge-7", epoch: 3 }]);
  });

  test("of a child has the fields of both", () => {
    const { logger, entries } = recorder();
    logger.child({ agent: "edge-7" }).child({ session_id: "s" }).info({ code: 1000 }, "closed");
    expect(entries()).toEqual([expect.objectContaining({ agent: "edge-7", session_id: "s", code: 1000 })]);
  });

  test("tells of an error with its name, message and stack", () => {
    const { logger, entries } = recorder();
    logger.error({ err: new TypeError("boom") }, "failed");
    expect(entries()[0]?.["err"]).toMatchObject({
      type: "TypeError",
      message: "boom",
      stack: expect.stringContaining("boom"),
    });
  });

  test("has no more decimals of a number than anybody reads, and whole numbers as they are", () => {
    const { logger, entries } = recorder();
    logger.info({ duration_ms: 7.543848000000253, largest: Number.MAX_SAFE_INTEGER }, "done");
    expect(entries()[0]).toMatchObject({ duration_ms: 7.544, largest: Number.MAX_SAFE_INTEGER });
  });

  test("stays one line, whatever a peer puts into a field", () => {
    const { logger, lines } = recorder();
    logger.info({ agent: 'a"\n{"level":"error"}' }, "hello");
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toContain("\n");
  });
});

test("what a peer says reaches no terminal, whoever turns the line into text", () => {
  const { logger, lines, entries } = recorder();
  const hostile = "\u001b]0;owned\u0007 \u009b2J \u202e";
  logger.warn({ reason: hostile, err: new Error(hostile), nested: { [hostile]: [hostile] } }, hostile);
  const shown = String.raw`\x1b]0;owned\x07 \x9b2J \u202e`;
  expect(entries()[0]).toMatchObject({
    reason: shown,
    err: { message: shown },
    nested: { [shown]: [shown] },
    msg: shown,
  });
  expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
});

describe("a long string", () => {
  test("is kept up to the limit", () => {
    const { logger, entries } = recorder();
    const longest = "x".repeat(MAX_LOG_STRING_LENGTH);
    logger.info({ reason: longest }, "kept");
    expect(entries()[0]?.["reason"]).toBe(longest);
  });

  test("is cut above it and says how long it was, without touching the fields of the caller", () => {
    const { logger, lines, entries } = recorder();
    const fields = { reason: "x".repeat(1_000_000), code: 7, agent: "a" };
    logger.info(fields, "cut");
    expect(entries()[0]).toMatchObject({
      reason: `${"x".repeat(MAX_LOG_STRING_LENGTH)}… (1000000 characters)`,
      code: 7,
      agent: "a",
    });
    expect(lines[0]?.length).toBeLessThan(MAX_LOG_STRING_LENGTH + 300);
    expect(fields.reason).toHaveLength(1_000_000);
  });

  test("is cut in every field that has one", () => {
    const { logger, entries } = recorder();
    logger.info({ one: "x".repeat(2000), two: "y".repeat(3000) }, "cut");
    expect(entries()[0]).toMatchObject({
      one: expect.stringMatching(/\(2000 characters\)$/),
      two: expect.stringMatching(/\(3000 characters\)$/),
    });
  });
});

describe("levels", () => {
  const written = (level: LogLevel): unknown[] => {
    const { logger, entries } = recorder({ level });
    logger.debug({}, "debug");
    logger.info({}, "info");
    logger.warn({}, "warn");
    logger.error({}, "error");
    return entries().map((entry) => entry["level"]);
  };

  test.each(LOG_LEVELS)("%s writes itself and what is more important", (level) => {
    expect(written(level)).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(level), 4));
  });

  test("info is the default", () => {
    const { logger, entries } = recorder();
    logger.debug({}, "not written");
    logger.info({}, "written");
    expect(entries()).toHaveLength(1);
  });
});

test("a line for people has the error, with its calls below", () => {
  const { logger, lines } = recorder({ format: "pretty", base: { service: "hawser-principal" } });
  const err = Object.assign(new TypeError("boom"), {
    stack: "TypeError: boom\n    at f (a.ts:1:2)",
    code: "E",
  });
  logger.child({ agent: "edge-7" }).error({ err }, "failed");
  expect(lines).toEqual([
    expect.stringMatching(
      /^\d{2}:\d{2}:\d{2}\.\d{3} {2}error failed {2}agent=edge-7 err="TypeError: boom" code=E\n {4}at f \(a\.ts:1:2\)\n$/,
    ),
  ]);
});

test("colours set a warning off where they are asked for", () => {
  const { logger, lines } = recorder({ format: "pretty", colours: true });
  logger.warn({}, "x");
  expect(lines[0]).toContain("\u001b[33mwarn");
});
