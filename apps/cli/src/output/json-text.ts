import { escapedJson } from "@hawser/runtime";

/** JSON on one line, or indented. Strings keep their value: what a terminal would obey is an escape of JSON in them. */
export function jsonText(value: unknown, indent?: number): string {
  return escapedJson(JSON.stringify(value, undefined, indent));
}
