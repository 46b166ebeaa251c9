import { describe, expect, it } from "vitest";
import { checkDraft } from "./draft.js";
import { eventClass, OUTPUT_REQUEST_TYPE, type JsonValue } from "./event.js";
import { outputLineBytes, outputRequestEvent, parseOutputRequest, parseOutputWindow } from "./output.js";

const REQUEST = { kind: "Task", name: "web", request: "r-1", forMs: 30_000 } as const;
const EVENT = outputRequestEvent({
  ...REQUEST,
  id: "1",
  source: "/p",
  time: "2026-01-01T00:00:00Z",
  expirytime: "2026-01-01T00:00:30Z",
});
const WINDOW = {
  request: "r-1",
  log: "l",
  oldest: 1,
  line: 2,
  bytes: 10,
  lines: ["a", "b"],
  starts: [{ line: 3, run: 1 }],
};

describe("a request for output", () => {
  it("is a command that a mailbox takes, in no order with the events of its resource", () => {
    expect(checkDraft(EVENT)).toMatchObject({
      type: OUTPUT_REQUEST_TYPE,
      subject: "Task/web",
      resourceid: "web_output",
    });
    expect(eventClass(EVENT.type)).toBe("command");
    expect(parseOutputRequest(EVENT)).toEqual(REQUEST);
  });

  it("says where whoever asks is", () => {
    const after = { log: "l", line: 7 };
    const data = { ...REQUEST, after };
    expect(parseOutputRequest({ ...EVENT, data })).toEqual({ ...REQUEST, after });
  });

  it.each<[string, JsonValue]>([
    ["another name", { ...REQUEST, name: "other" }],
    ["no request", { ...REQUEST, request: "" }],
    ["a request with a line end", { ...REQUEST, request: "r\n1" }],
    ["a place in a log with a line end", { ...REQUEST, after: { log: "l\n", line: 1 } }],
    ["a request that is too long", { ...REQUEST, request: "x".repeat(129) }],
    ["half a millisecond", { ...REQUEST, forMs: 0.5 }],
    ["more than a day", { ...REQUEST, forMs: 86_400_001 }],
    ["no place", { ...REQUEST, after: { log: "l", line: -1 } }],
    ["no object", "Task"],
  ])("is none with %s", (_, data) => {
    expect(() => checkDraft({ ...EVENT, data })).toThrow(expect.objectContaining({ code: "invalid_event" }));
  });
});

describe("what a status shows", () => {
  it("is there with everything", () => {
    expect(parseOutputWindow({ state: "running", output: WINDOW })).toEqual(WINDOW);
  });

  it.each<JsonValue | undefined>([
    undefined,
    "lit",
    { state: "running" },
    { output: "5 V" },
    { output: { ...WINDOW, line: "2" } },
    { output: { ...WINDOW, log: "l\ndata: forged" } },
    { output: { ...WINDOW, lines: ["a", 1] } },
    { output: { ...WINDOW, starts: [{ line: 3 }] } },
    { output: { ...WINDOW, bytes: -1 } },
  ])("is nothing in %j", (status) => {
    expect(parseOutputWindow(status)).toBeUndefined();
  });

  it("counts bytes of UTF-8 and the end of the line", () => {
    expect(outputLineBytes("é")).toBe(3);
  });
});
