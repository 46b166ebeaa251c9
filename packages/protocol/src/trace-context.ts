import { assertAttributes } from "./attributes.js";
import { checkSize } from "./draft.js";
import type { CloudEvent, EventDraft } from "./event.js";
import { LIMITS } from "./limits.js";

/**
 * Where a trace came from, in the words of W3C Trace Context: what the attributes of the same names say on an event (CloudEvents Distributed Tracing extension), and the
 * headers of the same names on a request.
 */
export interface TraceContext {
  /** `00-<trace id, 32 hex>-<parent id, 16 hex>-<flags, 2 hex>`. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACESTATE = /^[\x20-\x7e]+$/;

/**
 * Reads the two headers of a request, or the two attributes of an event (W3C Trace Context, sections 3.2 and 3.3). What is malformed is as good as absent, and says nothing
 * about the rest: a trace is never worth a refusal. A `traceparent` of a later version is read as far as version 00 goes.
 */
export function parseTraceContext(traceparent: unknown, tracestate?: unknown): TraceContext | undefined {
  const parts = typeof traceparent === "string" ? TRACEPARENT.exec(traceparent.trim()) : null;
  if (parts === null) return undefined;
  const [, version = "", traceId = "", parentId = "", flags = "", rest] = parts;
  if (version === "00" && rest !== undefined) return undefined;
  const known = version === "00" ? flags : (Number.parseInt(flags, 16) & 1).toString(16).padStart(2, "0");
  const read = { traceparent: `00-${traceId}-${parentId}-${known}` };
  const state = typeof tracestate === "string" ? tracestate.trim() : "";
  return TRACESTATE.test(state) && state.length <= LIMITS.maxAttributeLength
    ? { ...read, tracestate: state }
    : read;
}

/** The trace context an event carries; undefined when it has none, or none that can be read. */
export function traceContextOf(event: Pick<CloudEvent, string>): TraceContext | undefined {
  return parseTraceContext(event["traceparent"], event["tracestate"]);
}

/**
 * `draft`, which has been checked, with a trace context. One that has it already keeps it: it belongs to whoever made the event (CloudEvents Distributed Tracing extension).
 * At a limit for extensions or bytes it goes without `tracestate`, and then without both: an event is never refused for its trace.
 */
export function withTraceContext(draft: EventDraft, context: TraceContext | undefined): EventDraft {
  if (context === undefined || "traceparent" in draft || "tracestate" in draft) return draft;
  const { traceparent, tracestate } = context;
  const alone = { ...draft, traceparent };
  const both = tracestate === undefined ? alone : { ...alone, tracestate };
  return [both, alone].find(fits) ?? draft;
}

function fits(draft: EventDraft): boolean {
  try {
    assertAttributes(draft);
    checkSize(draft);
    return true;
  } catch {
    return false;
  }
}
