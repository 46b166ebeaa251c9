import { HawserError, thrownText } from "./errors.js";
import type { JsonValue } from "./event.js";
import { LIMITS } from "./limits.js";
import { cutText, quote } from "./text.js";

/** Reported issues of one value; a list of a thousand wrong items has as many. */
export const MAX_SCHEMA_ISSUES = 8;
/** Reported steps of one path. */
const MAX_PATH_STEPS = 16;
const MAX_PATH_LENGTH = 128;
const MAX_ISSUE_LENGTH = 128;

/**
 * A schema of a library that follows [Standard Schema](https://standardschema.dev) version 1, such
 * as zod 3.24 and newer, valibot or arktype. The types are copied from its specification, so
 * nothing needs to be installed.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The output of a schema, or its issues. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** A problem that a schema found. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A problem with a value, for people. */
export interface SchemaIssue {
  /** Such as `bulbs[0].colour`; empty for the value itself. At most 128 characters. */
  readonly path: string;
  /** The schema's message, at most 128 characters. */
  readonly message: string;
}

/** The result of a schema check: the schema's output, or the issues and the raw value. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      /** The first `MAX_SCHEMA_ISSUES` (8). */
      readonly issues: readonly SchemaIssue[];
      /** Number of all issues. */
      readonly issueCount: number;
      readonly raw: JsonValue;
    };

/**
 * Checks a value against a schema, which may be asynchronous.
 * @throws HawserError `internal` when the schema itself throws; `cause` is the original
 */
export async function checkAgainst<Output>(
  schema: StandardSchema<unknown, Output>,
  value: JsonValue,
): Promise<Checked<Output>> {
  try {
    const result = await schema["~standard"].validate(value);
    if (result.issues === undefined) return { ok: true, value: result.value };
    const issues = result.issues.slice(0, MAX_SCHEMA_ISSUES).map(issueOf);
    return { ok: false, issues, issueCount: result.issues.length, raw: value };
  } catch (thrown) {
    const text = cutText(oneLine(thrownText(thrown)), MAX_ISSUE_LENGTH);
    throw new HawserError("internal", `the schema threw: ${text}`, { cause: thrown });
  }
}

/**
 * One line such as `the spec of Lamp/north does not fit: spec.name: Too long; and 3 more`, at most
 * `LIMITS.maxMessageLength` (1,024) characters.
 * @param member name of the value in front of each path
 */
export function misfitText(
  what: string,
  member: string,
  { issues, issueCount }: Pick<Extract<Checked<unknown>, { ok: false }>, "issues" | "issueCount">,
): string {
  const told = issues.map(({ path, message }) => `${member}${joint(path)}${path}: ${message}`);
  const more = issueCount - issues.length;
  const text = (more > 0 ? [...told, `and ${more} more`] : told).join("; ");
  return cutText(`${what} does not fit: ${text}`, LIMITS.maxMessageLength);
}

function joint(path: string): string {
  return path === "" || path.startsWith("[") ? "" : ".";
}

function issueOf({ message, path = [] }: StandardIssue): SchemaIssue {
  return { path: pathText(path), message: cutText(oneLine(String(message)), MAX_ISSUE_LENGTH) };
}

function pathText(path: NonNullable<StandardIssue["path"]>): string {
  let text = "";
  for (const step of path.slice(0, MAX_PATH_STEPS)) {
    const key = typeof step === "object" ? step.key : step;
    if (typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key)) text += `${text === "" ? "" : "."}${key}`;
    else text += `[${typeof key === "number" ? key : quote(String(key))}]`;
  }
  return cutText(path.length > MAX_PATH_STEPS ? `${text}...` : text, MAX_PATH_LENGTH);
}

/** Messages go into log lines and dead letters. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}
