import { expect, it } from "vitest";
import { MAX_EVENT_LENGTH, SseParser } from "./sse-parser.js";

const STREAM = ": hello\r\nid: b-1\r\nevent: acked\r\ndata: {\r\ndata: }\r\n\r\ndata:x\n\nid: b-2\n\n";
const EVENTS = [
  { id: "b-1", event: "acked", data: "{\n}" },
  { id: "b-1", event: "message", data: "x" },
];

it("reads events wherever the chunks end", () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const parser = new SseParser();
    expect([...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))]).toEqual(EVENTS);
  }
});

it("takes events up to its bound, and no longer ones", () => {
  const parser = new SseParser();
  expect(parser.push(`data:${"x".repeat(MAX_EVENT_LENGTH - 5)}`)).toEqual([]);
  expect(() => parser.push("x")).toThrow(RangeError);
});
