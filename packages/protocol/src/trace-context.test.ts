import { describe, expect, it } from "vitest";
import type { EventDraft } from "./event.js";
import { checkDraft, LIMITS, parseTraceContext, traceContextOf, withTraceContext } from "./index.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const draft: EventDraft = {
  specversion: "1.0",
  id: "1",
  source: "test",
  type: "test.command",
  resourceid: "job_u1",
};

/** `draft` with so many extensions. */
function extended(count: number): EventDraft {
  return {
    ...draft,
    ...Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, index])),
  };
}

describe("a trace context that is read", () => {
  it("is taken as it is, without the space around it", () => {
    expect(parseTraceContext(TRACEPARENT)).toEqual({ traceparent: TRACEPARENT });
    expect(parseTraceContext(` ${TRACEPARENT} `, " a=1,b=2 ")).toEqual({
      traceparent: TRACEPARENT,
      tracestate: "a=1,b=2",
    });
  });

  it.each([
    ["nothing", undefined],
    ["a number", 5],
    ["text", "none"],
    ["the forbidden version", TRACEPARENT.replace("00-", "ff-")],
    ["no trace", `00-${"0".repeat(32)}-b7ad6b7169203331-01`],
    ["no parent", `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01`],
    ["upper case", TRACEPARENT.toUpperCase()],
    ["version 00 with more", `${TRACEPARENT}-more`],
  ])("is absent when it is %s", (_what, traceparent) => {
    expect(parseTraceContext(traceparent, "a=1")).toBeUndefined();
  });

  it("of a later version is read as version 00, with the one flag that is known", () => {
    const later = `cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-more`;
    expect(parseTraceContext(later)).toEqual({ traceparent: TRACEPARENT });
  });

  it("goes without a state that no attribute can hold", () => {
    const longest = "a".repeat(LIMITS.maxAttributeLength);
    expect(parseTraceContext(TRACEPARENT, longest)?.tracestate).toBe(longest);
    for (const tracestate of ["", "a=\u00e9", "a=\t1", `${longest}a`, 1])
      expect(parseTraceContext(TRACEPARENT, tracestate)).toEqual({ traceparent: TRACEPARENT });
  });
});

describe("a trace context on an event", () => {
  const both = { traceparent: TRACEPARENT, tracestate: "a=1" };

  it("is added, and read back", () => {
    expect(withTraceContext(draft, undefined)).toBe(draft);
    expect(traceContextOf(draft)).toBeUndefined();
    expect(withTraceContext(draft, both)).toEqual({ ...draft, ...both });
    expect(traceContextOf(withTraceContext(draft, both))).toEqual(both);
  });

  it("stays that of its maker", () => {
    for (const own of [{ traceparent: "mine" }, { tracestate: "mine" }])
      expect(withTraceContext({ ...draft, ...own }, both)).toEqual({ ...draft, ...own });
  });

  it("is left out where the extensions are at their limit", () => {
    const { maxExtensions } = LIMITS;
    expect(withTraceContext(extended(maxExtensions - 2), both)).toMatchObject(both);
    const one = withTraceContext(extended(maxExtensions - 1), both);
    expect(one).toEqual({ ...extended(maxExtensions - 1), traceparent: TRACEPARENT });
    expect(withTraceContext(extended(maxExtensions), both)).toEqual(extended(maxExtensions));
  });

  it("is left out where the event is as large as may be", () => {
    const envelope = JSON.stringify({ ...draft, datacontenttype: "text/plain", data: "" }).length;
    const sized = (bytes: number): EventDraft =>
      checkDraft({ ...draft, datacontenttype: "text/plain", data: "x".repeat(bytes - envelope) });
    const room = JSON.stringify({ traceparent: TRACEPARENT }).length - 1;
    const { maxEventBytes } = LIMITS;
    expect(withTraceContext(sized(maxEventBytes - room), both)).toHaveProperty("traceparent");
    expect(withTraceContext(sized(maxEventBytes - room), both)).not.toHaveProperty("tracestate");
    expect(withTraceContext(sized(maxEventBytes - room + 1), both)).not.toHaveProperty("traceparent");
  });

  it("never brings in what is no attribute", () => {
    expect(withTraceContext(draft, { traceparent: "a\nb" })).toBe(draft);
  });
});
