import { assertAttributes } from "./attributes.js";
import { checkSize } from "./draft.js";
import type { CloudEvent, EventDraft } from "./event.js";
import { LIMITS } from "./limits.js";

/** W3C Trace Context, from an event (CloudEvents extension) or the headers of a request. */
export interface TraceContext {
  /** `00-<trace id, 32 hex>-<parent id, 16 hex>-<flags, 2 hex>`. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACESTATE = /^[\x20-\x7e]+$/;

/**
 * Reads the two headers or attributes (W3C Trace Context, sections 3.2 and 3.3). Malformed values
 * count as absent, each by itself, because a trace never justifies a refusal. A later version of
 * `traceparent` is read like version 00.
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

/** The trace context of an event; undefined when absent or malformed. */
export function traceContextOf(event: Pick<CloudEvent, string>): TraceContext | undefined {
  return parseTraceContext(event["traceparent"], event["tracestate"]);
}

/**
 * Adds a trace context to a checked draft. An event that has one keeps it (CloudEvents Distributed
 * Tracing extension). At a limit of extensions or bytes, `tracestate` is dropped first, then both.
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
