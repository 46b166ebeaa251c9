import { isFields } from "./control-fields.js";
import { OUTPUT_REQUEST_TYPE, type EventDraft, type JsonValue } from "./event.js";
import { LIMITS } from "./limits.js";
import { objectOf, invalidData } from "./resource-data.js";
import { parseSubject, resourceId, subjectOf } from "./resource-id.js";
import { quote } from "./text.js";

/** The second part of the `resourceid` of requests: they are no events of the resource, and wait for none. */
const REQUEST_UID = "output";

/** They become parts of ids elsewhere, so there is nothing in them that could end one. */
const TOKEN = /^[A-Za-z0-9._-]+$/;

/** A place in what a resource writes: so many lines of this log lie before it. */
export interface OutputPosition {
  /** Another one whenever counting begins anew, because the agent has lost what it counted. */
  readonly log: string;
  readonly line: number;
}

/** Asks an agent to show what a resource writes, for a while (PROTOCOL.md, Output). */
export interface OutputRequest {
  readonly kind: string;
  readonly name: string;
  /** Comes back in what is shown for it. */
  readonly request: string;
  /** Whole milliseconds. */
  readonly forMs: number;
  /** What lies before it need not be shown. Absent: everything there is. */
  readonly after?: OutputPosition;
}

/** What a resource has written, as far as it is shown: the member `output` of its status (PROTOCOL.md, Output). */
export interface OutputWindow extends OutputPosition {
  /** The newest request. */
  readonly request: string;
  /** Lines before the oldest one that the agent still has. */
  readonly oldest: number;
  /** Bytes of all lines before the first of these, each with its line end. */
  readonly bytes: number;
  /** From `line` on, without line ends. */
  readonly lines: readonly string[];
  /** Where the runs of a process begin among them: run 0 is the first. */
  readonly starts: readonly { readonly line: number; readonly run: number }[];
}

/** What a request for output is made of, besides what it asks. */
export interface OutputRequestOptions extends OutputRequest {
  readonly id: string;
  readonly source: string;
  /** RFC 3339. */
  readonly time: string;
  /** RFC 3339. When nobody will look any more. */
  readonly expirytime: string;
}

/**
 * A draft of a request for output.
 *
 * @throws HawserError `invalid_event` for a kind or name that is none
 */
export function outputRequestEvent(options: OutputRequestOptions): EventDraft {
  const { id, source, time, expirytime, kind, name, request, forMs, after } = options;
  return {
    specversion: "1.0",
    id,
    source,
    type: OUTPUT_REQUEST_TYPE,
    subject: subjectOf(kind, name),
    resourceid: resourceId(name, REQUEST_UID),
    time,
    expirytime,
    datacontenttype: "application/json",
    data: { kind, name, request, forMs, ...(after === undefined ? {} : { after: { ...after } }) },
  };
}

/** @throws HawserError `invalid_event` when it is no request for output, or its data contradicts its subject */
export function parseOutputRequest(event: EventDraft): OutputRequest {
  const data = objectOf(event, OUTPUT_REQUEST_TYPE);
  const { kind, name } = parseSubject(event.subject ?? "");
  if (data["kind"] !== kind || data["name"] !== name)
    throw invalidData("kind", "and the name must be those of the subject");
  const { request, forMs, after } = data;
  if (!isToken(request))
    throw invalidData(
      "request",
      `must be 1 to 128 of A-Z, a-z, 0-9, ".", "_" and "-", not ${quote(request)}`,
    );
  if (!isCount(forMs) || forMs > LIMITS.maxDurationMs)
    throw invalidData("forMs", `must be whole milliseconds, at most a day, not ${quote(forMs)}`);
  if (after === undefined) return { kind, name, request, forMs };
  const position = positionOf(after);
  if (position === undefined) throw invalidData("after", "must be a log and a line");
  return { kind, name, request, forMs, after: position };
}

/** What a status shows of the output of its resource; undefined where it shows none. */
export function parseOutputWindow(status: JsonValue | undefined): OutputWindow | undefined {
  const output = isFields(status) ? status["output"] : undefined;
  const position = positionOf(output);
  if (position === undefined || !isFields(output)) return undefined;
  const { request, oldest, bytes, lines, starts } = output;
  if (!isToken(request) || !isCount(oldest) || !isCount(bytes)) return undefined;
  if (!Array.isArray(lines) || !Array.isArray(starts)) return undefined;
  const texts = lines.filter((line: unknown) => typeof line === "string");
  const begins = starts.flatMap((start: unknown) => {
    const { line, run } = isFields(start) ? start : {};
    return isCount(line) && isCount(run) ? [{ line, run }] : [];
  });
  if (texts.length !== lines.length || begins.length !== starts.length) return undefined;
  return { ...position, request, oldest, bytes, lines: texts, starts: begins };
}

/** Bytes of a line as `OutputWindow.bytes` counts them. */
export function outputLineBytes(line: string): number {
  return Buffer.byteLength(line) + 1;
}

function positionOf(value: unknown): OutputPosition | undefined {
  if (!isFields(value)) return undefined;
  const { log, line } = value;
  return isToken(log) && isCount(line) ? { log, line } : undefined;
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && value.length <= LIMITS.maxTokenLength && TOKEN.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
