import { HawserError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { quote } from "./text.js";

const AGENT_NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** True for 1 to 128 of a-z, 0-9, `.` and `-`, with a letter or digit at both ends. */
export function isAgentName(value: unknown): value is string {
  return typeof value === "string" && value.length <= LIMITS.maxAgentNameLength && AGENT_NAME.test(value);
}

/** `value` as an agent's name. @throws HawserError `invalid_agent_name`, saying what to change */
export function checkAgentName(value: unknown): string {
  if (isAgentName(value)) return value;
  throw new HawserError("invalid_agent_name", `agent name ${quote(value)} ${whatToChange(value)}`);
}

function whatToChange(value: unknown): string {
  if (typeof value !== "string") return "must be a string";
  if (value === "") return "must not be empty";
  if (value.length > LIMITS.maxAgentNameLength) {
    return `has ${value.length} characters; shorten it to ${LIMITS.maxAgentNameLength}`;
  }
  if (/[A-Z]/.test(value)) return "has upper-case letters; write it in lower case";
  const bad = /[^a-z0-9.-]/u.exec(value);
  if (bad !== null) return `contains ${quote(bad[0])}; use only a-z, 0-9, "." and "-"`;
  return "must begin and end with a letter or a digit";
}
