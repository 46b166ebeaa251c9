import { expect, test } from "vitest";
import type { Clock } from "./clock.js";
import { limitedLogger } from "./limited-logger.js";
import { entryLogger } from "./entry-logger.js";
import type { LogFields } from "./logger.js";

function recorded() {
  let now = 0;
  let suppressed = 0;
  const lines: Record<string, unknown>[] = [];
  const clock: Clock = { now: () => now, wallTime: () => now };
  const inner = entryLogger("debug", (entry) => lines.push(entry));
  const logger = limitedLogger(inner, { clock, onSuppressed: () => (suppressed += 1) });
  return {
    logger,
    lines,
    pass: (ms: number) => (now += ms),
    suppressed: () => suppressed,
  };
}

function times(count: number, step: (index: number) => void): void {
  for (let index = 0; index < count; index += 1) step(index);
}

test("an agent's lines of one code are limited, whatever the message says and whichever child writes them", () => {
  const { logger, lines, pass, suppressed } = recorded();
  const session = logger.child({ agent: "a", session_id: "s" });
  times(1_000, (index) => session.warn({ code: "unknown_type" }, `refused an event: ${index}`));
  expect(lines).toHaveLength(10);
  expect(suppressed()).toBe(990);
  pass(1_000);
  logger.child({ agent: "a", session_id: "t" }).error({ code: "unknown_type" }, "again");
  expect(lines.at(-1)).toMatchObject({ agent: "a", code: "unknown_type", suppressed: 990, msg: "again" });
});

test("another code, and another agent, have lines of their own", () => {
  const { logger, lines } = recorded();
  times(100, () => logger.warn({ agent: "a", code: "unknown_type" }, "x"));
  logger.warn({ agent: "a", code: "invalid_event" }, "x");
  logger.warn({ agent: "b", code: "unknown_type" }, "x");
  expect(lines).toHaveLength(12);
  for (const line of lines) expect(line).not.toHaveProperty("suppressed");
});

test("who has no session has a limit by address, without its port, and a name of its choice changes nothing", () => {
  const { logger, lines } = recorded();
  times(1_000, (index) =>
    logger.warn(
      { address: `[2001:db8::1]:${index}`, code: "unauthenticated", agent: `a${index}` },
      "refused",
    ),
  );
  expect(lines).toHaveLength(10);
});

test("and all of them together have one: addresses are for free", () => {
  const { logger, lines, pass, suppressed } = recorded();
  const flood = (): void =>
    times(10_000, (index) => logger.warn({ address: `host${index}:1`, code: "unauthenticated" }, "refused"));
  flood();
  expect(lines).toHaveLength(100);
  pass(1_000);
  flood();
  expect(lines).toHaveLength(110);
  expect(suppressed()).toBe(20_000 - 110);
  const told = lines.reduce((sum, line) => sum + Number(line["suppressed"] ?? 0), 0);
  expect(told).toBeGreaterThan(5_000);
});

test("the process's own lines, and debug, are never left out", () => {
  const { logger, lines } = recorded();
  times(50, () => logger.info({ sessions: 1 }, "drained"));
  times(50, () => logger.debug({ agent: "a", code: "timeout" }, "detail"));
  expect(lines).toHaveLength(100);
});

test("fields of the caller stay as they are", () => {
  const { logger, pass } = recorded();
  const fields: LogFields = Object.freeze({ agent: "a", code: "c" });
  times(20, () => logger.warn(fields, "x"));
  pass(2_000);
  logger.warn(fields, "x");
});

test("loses a line that its logger, or whoever counts, throws at, and nothing else", () => {
  const thrower = (): never => {
    throw new Error("a fault of the logger");
  };
  const broken = { debug: thrower, info: thrower, warn: thrower, error: thrower, child: thrower };
  const logger = limitedLogger(broken, {
    clock: { now: () => 0, wallTime: () => 0 },
    perPeer: { burst: 1 },
    onSuppressed: thrower,
  });
  for (const each of [logger, logger.child({ agent: "a" })])
    for (const level of ["debug", "info", "warn", "error"] as const) {
      each[level]({}, "nobody's");
      each[level]({ code: "internal" }, "somebody's");
    }
});
