/**
 * Characters that control a terminal: C0 except newline and tab, DEL, C1 (ECMA-48) and direction
 * controls (Unicode, Bidi_Control). The noncharacters of Unicode are included, so that a program
 * may use them as marks.
 */
const OBEYED = String.raw`[[\p{Cc}\p{Bidi_Control}\p{Noncharacter_Code_Point}]--[\n\t]]`;
// Every supported Node has the flag `v`, but the compiler's target has not.
const obeyed = new RegExp(OBEYED, "gv");
/** In JSON text: an escaped backslash (skipped), an escaped control character, or the character. */
const obeyedInJson = new RegExp(String.raw`\\\\|\\u00[01][0-9a-f]|\\[bfr]|${OBEYED}`, "giv");
const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "08", f: "0c", r: "0d" };

/**
 * A peer's text for people: control characters become visible escapes (`\x1b`, `\u202e`). Newlines
 * and tabs stay. A second pass changes nothing.
 */
export function printable(text: string): string {
  return text.replace(obeyed, visible);
}

/** As `printable`, on one line: newlines and tabs become spaces. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\n\t]/g, " ");
}

/** Equivalent JSON text with control characters as JSON escapes (`\u009b`). */
export function escapedJson(json: string): string {
  return json.replace(obeyed, (character) =>
    Array.from({ length: character.length }, (_, at) => unicodeEscape(character.charCodeAt(at))).join(""),
  );
}

/**
 * JSON text whose parsed strings are printable, because pino-pretty and `jq -r` write the strings
 * to a terminal unescaped.
 */
export function printableJson(json: string): string {
  return json.replace(obeyedInJson, (found) => {
    if (found === "\\\\") return found;
    if (!found.startsWith("\\")) return visible(found).replace("\\", "\\\\");
    const letter = found.slice(1);
    return `\\\\x${SHORT_ESCAPES[letter] ?? found.slice(-2).toLowerCase()}`;
  });
}

function visible(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point <= 0xff) return `\\x${point.toString(16).padStart(2, "0")}`;
  return point <= 0xffff ? unicodeEscape(point) : `\\u{${point.toString(16)}}`;
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
