import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CLOSE_CODES, isCleanClose } from "./close-codes.js";
import { closeCodeFor, GRPC_STATUS_BY_CLOSE_CODE } from "./close-mapping.js";
import { encodeControl } from "./control-codec.js";
import type { ControlType } from "./control.js";
import { ERROR_CODES, isErrorCode } from "./errors.js";
import { jsonCodec } from "./json-codec.js";
import { DEFAULT_TIMING, LIMITS } from "./limits.js";
import { parseMessage } from "./parse-message.js";

const document = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");

/** The text of one `##` section. */
function section(title: string): string {
  const [, text] = document.split(`\n## ${title}\n`);
  if (text === undefined) throw new Error(`PROTOCOL.md has no section ${title}`);
  return text.split("\n## ")[0] ?? "";
}

/** The rows of the first table of a section, cell by cell, without the code marks. */
function rows(title: string): string[][] {
  const lines = section(title).split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end < 0 ? undefined : end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

const numbers = (table: readonly string[][]): [string, number][] =>
  table.map(([name = "", value = ""]) => [name, Number(value.replaceAll(",", ""))]);

// Exhaustive by its type: a message that is added to the code has to be added here.
const CONTROL_TYPES: Readonly<Record<ControlType, true>> = {
  hello: true,
  welcome: true,
  refuse: true,
  heartbeat: true,
  ack: true,
  nack: true,
  goodbye: true,
  goodbye_ack: true,
  drain: true,
};

describe("PROTOCOL.md says what the code does, and no more", () => {
  test("error codes, and the codes they close with", () => {
    const documented = rows("Errors").map(([code = "", , , close]) => [code, Number(close)]);
    expect(documented).toEqual(ERROR_CODES.map((code) => [code, closeCodeFor(code)]));
  });

  test("close codes, their gRPC status, and which are clean", () => {
    const documented = rows("Close codes").map(([code, name, status, , clean]) => [
      Number(code),
      name,
      Number(status),
      clean,
    ]);
    expect(documented).toEqual(
      Object.entries(CLOSE_CODES).map(([name, code]) => [
        code,
        name,
        GRPC_STATUS_BY_CLOSE_CODE[code],
        isCleanClose(code) ? "yes" : "no",
      ]),
    );
  });

  test("limits", () => {
    expect(numbers(rows("Limits"))).toEqual(Object.entries(LIMITS));
  });

  test("timing", () => {
    expect(numbers(rows("Timing"))).toEqual(Object.entries(DEFAULT_TIMING));
  });

  test("control messages: one row and one section each", () => {
    const names = Object.keys(CONTROL_TYPES);
    expect(rows("Control messages").map(([name]) => name)).toEqual(names);
    const headings = [...section("Control messages").matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(names);
  });

  test("every example is a frame that is accepted, and every control message has one", () => {
    const examples = [...document.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
    const seen = examples.map((text) => {
      const event = jsonCodec.decode(text);
      const parsed = parseMessage(event);
      if (parsed.kind === "event") return "event";
      // Nothing is in the example that the code would not write, and the reverse.
      expect(encodeControl(parsed.message, event)).toEqual(event);
      return parsed.message.type;
    });
    expect([...new Set(seen)].sort()).toEqual([...Object.keys(CONTROL_TYPES), "event"].sort());
  });

  test("scenarios are numbered without a gap", () => {
    const found = [...section("Scenarios").matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => Number(number));
    expect(found).toEqual(Array.from({ length: found.length }, (_, index) => index + 1));
    expect(found.length).toBeGreaterThan(30);
  });

  test("every code it mentions in passing exists", () => {
    const mentioned = [...document.matchAll(/(?:NACK|code|with|or|and) `([a-z]+_[a-z_]+)`/g)].map(
      ([, code]) => code,
    );
    const fields = new Set([
      "retry_after_ms",
      "text_data",
      "proto_data",
      "data_base64",
      "ce_uri_ref",
      "window_bytes",
    ]);
    const unknown = mentioned.filter((code) => !isErrorCode(code) && !fields.has(code ?? ""));
    expect(unknown).toEqual([]);
    expect(mentioned.length).toBeGreaterThan(10);
  });

  test("every link within it leads somewhere", () => {
    const anchors = [...document.matchAll(/^#{2,3} (.+)$/gm)].map(([, title = ""]) =>
      title.toLowerCase().replaceAll(" ", "-"),
    );
    const links = [...document.matchAll(/\]\(#([a-z-]+)\)/g)].map(([, anchor]) => anchor);
    expect(links.filter((anchor) => !anchors.includes(anchor ?? ""))).toEqual([]);
  });
});
