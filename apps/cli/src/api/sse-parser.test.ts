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

it("keeps the id of blocks that hold nothing else, once they are complete, and lets it be taken back", () => {
  const parser = new SseParser();
  parser.push("id: b-1\ndata:x\n\n: keep-alive\nid: b-2\n");
  expect(parser.lastEventId).toBe("b-1");
  parser.push("\n");
  expect(parser.lastEventId).toBe("b-2");
  expect(parser.push("id:\nevent: reset\ndata: {}\n\n")).toEqual([{ id: "", event: "reset", data: "{}" }]);
  expect(parser.lastEventId).toBe("");
});

it("takes events up to its bound, and no longer ones", () => {
  const parser = new SseParser();
  expect(parser.push(`data:${"x".repeat(MAX_EVENT_LENGTH - 5)}`)).toEqual([]);
  expect(() => parser.push("x")).toThrow(RangeError);
});
