import { expect, it, vi } from "vitest";
import type { Logger } from "./logger.js";
import { warningLogger } from "./warning-logger.js";

/** What is written to standard error meanwhile. */
function written(log: (logger: Logger) => void): string[] {
  const texts: string[] = [];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    texts.push(String(text));
    return true;
  });
  try {
    log(warningLogger());
  } finally {
    spy.mockRestore();
  }
  return texts;
}

it("what goes wrong is a line for people on standard error, and nothing else is", () => {
  const lines = written((logger) => {
    logger.info({ agent: "a" }, "a session opened");
    logger.warn({ agent: "a", code: "handler_failed" }, "the handler threw: my bug\u001b[2J");
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/warn {2}the handler threw: my bug\\x1b\[2J {2}agent=a code=handler_failed\n$/);
});

it("an error has its class, the messages of its causes, what it carries, and its calls below", () => {
  const cause = new Error("no cable");
  cause.cause = cause;
  const err = Object.assign(new TypeError("not sent", { cause }), { code: "E", size: 1n });
  const [line = ""] = written((logger) => logger.error({ err }, "failed"));
  expect(line).toMatch(/error failed {2}err="TypeError: not sent: no cable: [^\n]* code=E size=1\n {4}at /);
});

it("a line is written whatever was thrown", () => {
  const thrower = (): never => {
    throw new Error("a trap");
  };
  const { proxy, revoke } = Proxy.revocable(new Error("x"), {});
  revoke();
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const thrown = [
    undefined,
    Object.create(null),
    Object.defineProperty(new Error("x"), "message", { get: thrower }),
    Object.defineProperty(new Error("x"), "stack", { get: thrower }),
    Object.defineProperty(new Error("x"), "more", { get: thrower, enumerable: true }),
    { toJSON: thrower },
    { message: Object.create(null) },
    circle,
    proxy,
  ];
  const lines = written((logger) => {
    for (const err of thrown) logger.error({ err }, "a handler failed");
  });
  expect(lines).toHaveLength(thrown.length);
  for (const line of lines) expect(line).toContain("error a handler failed");
});
