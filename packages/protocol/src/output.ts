import { isFields } from "./control-fields.js";
import { OUTPUT_REQUEST_TYPE, type EventDraft, type JsonValue } from "./event.js";
import { LIMITS } from "./limits.js";
import { objectOf, invalidData } from "./resource-data.js";
import { parseSubject, resourceId, subjectOf } from "./resource-id.js";
import { quote } from "./text.js";

/** Uid in the `resourceid` of requests: they are not ordered with the resource's events. */
const REQUEST_UID = "output";

/** Tokens become parts of ids elsewhere, so they contain no separator. */
const TOKEN = /^[A-Za-z0-9._-]+$/;

/** A position in the output of a resource: `line` lines of `log` precede it. */
export interface OutputPosition {
  /** Changes when counting restarts because the agent lost its count. */
  readonly log: string;
  readonly line: number;
}

/** A request for the output of a resource, for a limited time (PROTOCOL.md, Output). */
export interface OutputRequest {
  readonly kind: string;
  readonly name: string;
  /** Returned in the output that answers the request. */
  readonly request: string;
  /** Whole milliseconds. */
  readonly forMs: number;
  /** Output before it is not needed. Absent: all output. */
  readonly after?: OutputPosition;
}

/** The output of a resource: the member `output` of its status (PROTOCOL.md, Output). */
export interface OutputWindow extends OutputPosition {
  /** The newest request. */
  readonly request: string;
  /** Lines before the oldest one that the agent still has. */
  readonly oldest: number;
  /** Bytes of all lines before the first of these, each with its line end. */
  readonly bytes: number;
  /** From `line` on, without line ends. */
  readonly lines: readonly string[];
  /** First line of each process run; run 0 is the first. */
  readonly starts: readonly { readonly line: number; readonly run: number }[];
}

/** A request for output, with the attributes of its event. */
export interface OutputRequestOptions extends OutputRequest {
  readonly id: string;
  readonly source: string;
  /** RFC 3339. */
  readonly time: string;
  /** RFC 3339. When the request ends. */
  readonly expirytime: string;
}

/** A draft of a request for output. @throws HawserError `invalid_event` for illegal names */
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

/** @throws HawserError `invalid_event` for another type, or data that contradicts the subject */
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

/** The output in a status; undefined for none. */
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
