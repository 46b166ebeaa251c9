/** Ends a component of a key; no component contains it. */
export const SEPARATOR = "\u0000";
/** `prefix + AFTER_SEPARATOR` ends the range of keys under `prefix + SEPARATOR`. */
export const AFTER_SEPARATOR = "\u0001";

const ESCAPE = "\u0001";
const HIGH = "\ue000";
const FIRST_HIGH_UNIT = 0xd800;
/** High units are moved here, where UTF-8 and UTF-16 agree about order. */
const MOVED_TO = 0x4000;
/* oxlint-disable-next-line no-control-regex -- these are the units that need care */
const NEEDS_ESCAPE = /[\u0000\u0001\ud800-\uffff]/g;
/* oxlint-disable-next-line no-control-regex -- as above */
const ESCAPED = /[\u0001\ue000]([^])/g;

/**
 * Text as one component of a key, so that keys sort as their components do in code units.
 *
 * The separator and units from U+D800 on become two units, as UTF-8 bytes and UTF-16 units sort the
 * latter differently. Lone surrogates survive, which plain UTF-8 would lose.
 */
export function encodeComponent(text: string): string {
  return text.replace(NEEDS_ESCAPE, (unit) => {
    const code = unit.charCodeAt(0);
    return code < FIRST_HIGH_UNIT
      ? ESCAPE + String.fromCharCode(code + 1)
      : HIGH + String.fromCharCode(code - FIRST_HIGH_UNIT + MOVED_TO);
  });
}

/** The inverse of `encodeComponent`. */
export function decodeComponent(encoded: string): string {
  return encoded.replace(ESCAPED, (pair, second: string) => {
    const code = second.charCodeAt(0);
    return String.fromCharCode(pair.startsWith(ESCAPE) ? code - 1 : code - MOVED_TO + FIRST_HIGH_UNIT);
  });
}

/** As many as the largest version has digits, 2^53 - 1. */
const ZEROS = "0000000000000000";

/** A version of fixed width, so that text order is numeric order. */
export function encodeVersion(version: number): string {
  const digits = String(version);
  return ZEROS.slice(digits.length) + digits;
}
