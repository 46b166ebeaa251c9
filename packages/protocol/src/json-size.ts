/** A code unit takes at most six bytes as JSON (`\u001f`); a number at most 25 characters. */
const BYTES_PER_UNIT = 6;
const BYTES_PER_SCALAR = 25;
/** Quotes of a text, or colon, quotes and comma of a member. */
const PUNCTUATION = 4;

/**
 * Whether `value` takes at most `bytes` as JSON for sure, told without building the text: false means "perhaps not". Nothing but JSON may be in it, bytes aside, which
 * count as base64.
 */
export function surelyFits(value: unknown, bytes: number): boolean {
  return room(value, bytes) >= 0;
}

/** What is left of `bytes`; below zero once there is not enough. */
function room(value: unknown, bytes: number): number {
  if (typeof value === "string") return bytes - value.length * BYTES_PER_UNIT - PUNCTUATION;
  if (typeof value !== "object" || value === null) return bytes - BYTES_PER_SCALAR;
  if (value instanceof Uint8Array) return bytes - value.length * 2 - PUNCTUATION;
  let left = bytes - PUNCTUATION;
  if (Array.isArray(value)) {
    for (const item of value) if ((left = room(item, left) - 1) < 0) return left;
    return left;
  }
  // Over what is inherited too, which only makes it more careful; listing the members would cost more memory than the text.
  for (const key in value) {
    left = room(Reflect.get(value, key), left - key.length * BYTES_PER_UNIT - PUNCTUATION);
    if (left < 0) return left;
  }
  return left;
}

/**
 * A lower bound of what `value` takes as JSON, told without building the text: each character counts
 * as one byte, each number as one. For limits on what a peer sends, where too little does no harm and
 * too much would cut off a peer that keeps to the rules.
 */
export function leastJsonBytes(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return 1;
  if (value instanceof Uint8Array) return value.length;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value) bytes += leastJsonBytes(item);
    return bytes;
  }
  for (const key in value) bytes += key.length + 3 + leastJsonBytes(Reflect.get(value, key));
  return bytes;
}
