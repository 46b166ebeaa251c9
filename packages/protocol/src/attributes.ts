import { HawserError, type ErrorCode } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { quote } from "./text.js";
import { parseTimestamp } from "./timestamp.js";

const ATTRIBUTE_NAME = /^[a-z0-9]{1,20}$/;
// CloudEvents forbids both (section 3.1), and neither survives a header or a log line.
const FORBIDDEN = /[\p{Cc}\p{Surrogate}]/u;

const MIN_INTEGER = -2_147_483_648;
const MAX_INTEGER = 2_147_483_647;

export function invalidAttribute(
  name: string,
  problem: string,
  code: ErrorCode = "invalid_event",
): HawserError {
  return new HawserError(code, `attribute ${quote(name)} ${problem}`);
}

/** Checks the context attributes (CloudEvents 1.0.2, section 3), not `data`. */
export function assertAttributes(record: Readonly<Record<string, unknown>>): asserts record is CloudEvent {
  let extensions = 0;
  for (const name in record) {
    switch (name) {
      case "id":
      case "source":
      case "type":
      case "subject":
      case "datacontenttype":
      case "dataschema":
        checkText(name, record[name]);
        break;
      case "time":
      case "expirytime":
        checkTime(name, record[name]);
        break;
      // Hawser's own: not counted, so a stream can add them to an event at the limit. Without them
      // no answer can name the event, so each has an error code of its own.
      case "resourceid":
        checkText(name, record[name], "missing_resourceid");
        break;
      case "eventid":
        checkText(name, record[name], "invalid_eventid");
        break;
      case "specversion":
      case "data":
        break;
      default:
        extensions += 1;
        checkExtension(name, record[name]);
    }
  }
  if (record["specversion"] !== "1.0") {
    throw invalidAttribute("specversion", `must be "1.0", not ${quote(record["specversion"])}`);
  }
  if (record["id"] === undefined) throw invalidAttribute("id", "is missing");
  if (record["source"] === undefined) throw invalidAttribute("source", "is missing");
  if (record["type"] === undefined) throw invalidAttribute("type", "is missing");
  if (extensions > LIMITS.maxExtensions) {
    throw new HawserError(
      "invalid_event",
      `the event has ${extensions} extension attributes; ${LIMITS.maxExtensions} are allowed`,
    );
  }
}

function checkText(name: string, value: unknown, code?: ErrorCode): asserts value is string {
  if (typeof value !== "string") throw invalidAttribute(name, `must be a string, not ${quote(value)}`, code);
  if (value === "") throw invalidAttribute(name, "must not be empty", code);
  checkCharacters(name, value, code);
}

function checkCharacters(name: string, value: string, code?: ErrorCode): void {
  if (value.length > LIMITS.maxAttributeLength) {
    const problem = `has ${value.length} characters; ${LIMITS.maxAttributeLength} are allowed`;
    throw invalidAttribute(name, problem, code);
  }
  if (FORBIDDEN.test(value)) {
    throw invalidAttribute(name, "must not contain control characters or lone surrogates", code);
  }
}

function checkTime(name: string, value: unknown): void {
  checkText(name, value);
  if (parseTimestamp(value) === undefined) {
    throw invalidAttribute(name, `is not an RFC 3339 timestamp: ${quote(value)}`);
  }
}

/** @throws HawserError `invalid_event` for an illegal name (CloudEvents 1.0.2, section 3.1) */
export function checkAttributeName(name: string): void {
  if (ATTRIBUTE_NAME.test(name)) return;
  throw invalidAttribute(name, "has a name that is not 1 to 20 characters of a-z and 0-9");
}

function checkExtension(name: string, value: unknown): void {
  checkAttributeName(name);
  switch (typeof value) {
    case "string":
      return checkCharacters(name, value);
    case "boolean":
      return;
    case "number":
      if (Number.isInteger(value) && value >= MIN_INTEGER && value <= MAX_INTEGER) return;
      throw invalidAttribute(name, `must be a 32-bit signed integer, not ${quote(value)}`);
    default:
      throw invalidAttribute(name, `must be a string, an integer or a boolean, not ${quote(value)}`);
  }
}
