import type { JsonValue } from "@hawser/protocol";

/** Whether two JSON values say the same; the order of object keys does not count, the order of arrays does. */
export function equalJson(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item: JsonValue, index) => equalJson(item, right[index] ?? null));
  }
  const leftEntries = Object.entries(left);
  if (leftEntries.length !== Object.keys(right).length) return false;
  const other = new Map<string, JsonValue>(Object.entries(right));
  return leftEntries.every(([key, value]) => {
    const match = other.get(key);
    return match !== undefined && equalJson(value, match);
  });
}
