import { expect, it, vi } from "vitest";
import { warningLogger } from "./logger.js";

it("what goes wrong is a line for people on standard error, and nothing else is", () => {
  const written: string[] = [];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  try {
    const logger = warningLogger();
    logger.info({ agent: "a" }, "a session opened");
    logger.warn({ agent: "a", code: "handler_failed" }, "the handler threw: my bug\u001b[2J");
  } finally {
    spy.mockRestore();
  }
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(/warn {2}the handler threw: my bug\\x1b\[2J {2}agent=a code=handler_failed\n$/);
});
