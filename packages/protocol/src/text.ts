import { LIMITS } from "./limits.js";

/** At most `max` characters of `text`. A cut never splits a surrogate pair. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  const cutsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, cutsPair ? max - 1 : max);
}

/** `reason` as a close frame may carry it: at most `LIMITS.maxReasonLength` bytes of UTF-8. */
export function closeReason(reason: string): string {
  let text = cutText(reason, LIMITS.maxReasonLength);
  while (Buffer.byteLength(text) > LIMITS.maxReasonLength) text = cutText(text, text.length - 1);
  return text;
}

/** A value from the network, short and on one line, for error messages. */
export function quote(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(cutText(value, 64));
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return value instanceof Uint8Array ? "bytes" : `a value of type ${typeof value}`;
}
