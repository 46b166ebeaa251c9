import { expect, test } from "vitest";
import { entryLogger } from "./entry-logger.js";
import type { LogFields, Logger } from "./logger.js";
import { COLOURED_LINES, PLAIN_LINES, readableLine, type LinePaint } from "./readable-line.js";

/** The lines for people of what is logged, without the time of day. */
function shown(
  write: (logger: Logger) => void,
  { paint = PLAIN_LINES, base = {} }: { readonly paint?: LinePaint; readonly base?: LogFields } = {},
): string {
  let text = "";
  write(entryLogger("info", (entry) => (text += `${readableLine(JSON.stringify(entry), paint)}\n`), base));
  return text.replaceAll(/\d{2}:\d{2}:\d{2}\.\d{3}/g, "TIME");
}

test("a line is time, level, message and fields, without the name of the service", () => {
  const text = shown((logger) => logger.child({ agent: "edge-7" }).warn({ epoch: 3 }, "superseded"), {
    base: { service: "hawser-principal" },
  });
  expect(text).toBe("TIME  warn  superseded  agent=edge-7 epoch=3\n");
});

test("a field is quoted where its end could not be seen, and an object is JSON", () => {
  const text = shown((logger) => logger.info({ fix: "chmod 600 it", empty: "", at: { port: 1 } }, "x"));
  expect(text).toBe(`TIME  info  x  fix="chmod 600 it" empty="" at={"port":1}\n`);
});

test("an error is its name and message, and its calls stand below", () => {
  const err = {
    type: "TypeError",
    message: "boom",
    stack: "TypeError: boom\n    at f (a.ts:1:2)",
    code: "E",
  };
  expect(shown((logger) => logger.error({ err }, "failed"))).toBe(
    `TIME  error failed  err="TypeError: boom" code=E\n    at f (a.ts:1:2)\n`,
  );
  expect(shown((logger) => logger.error({ err: "a text" }, "failed"))).toBe(
    `TIME  error failed  err="a text"\n`,
  );
});

test("further lines of a message are set in, so that no text looks like an entry of its own", () => {
  const forged = "bad\n12:00:00.000  info  all is well";
  expect(shown((logger) => logger.error({ reason: forged }, forged))).toBe(
    `TIME  error bad  reason="bad\\nTIME  info  all is well"\n    TIME  info  all is well\n`,
  );
});

test("nothing of a peer is obeyed by a terminal, and what sets off is there with colours alone", () => {
  const hostile = "\u001b]0;owned\u0007";
  const write = (logger: Logger): void => logger.warn({ [hostile]: hostile }, hostile);
  expect(shown(write)).toMatch(/^[\x20-\x7e]+\n$/);
  const coloured = shown(write, { paint: COLOURED_LINES });
  expect([2, 22, 33, 39].reduce((text, sgr) => text.replaceAll(`\u001b[${sgr}m`, ""), coloured)).toBe(
    shown(write),
  );
  expect(coloured).toContain("\u001b[33mwarn");
});

test("what is no line of a log stays as it is, on one line", () => {
  for (const text of ["Killed", "{", "null", '{"level":"info","msg":"no time"}'])
    expect(readableLine(`${text}\n`, COLOURED_LINES)).toBe(text);
  expect(readableLine("\u001b[2Jx\ty")).toBe(String.raw`\x1b[2Jx y`);
});
