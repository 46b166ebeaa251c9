/**
 * Characters that a terminal obeys rather than shows: C0 but newline and tab, DEL and C1 (ECMA-48), and the controls that turn the direction of writing
 * (Unicode, Bidi_Control). The noncharacters of Unicode are among them, so that a program may use those as marks of its own.
 */
const OBEYED = String.raw`[[\p{Cc}\p{Bidi_Control}\p{Noncharacter_Code_Point}]--[\n\t]]`;
// The flag `v` is in every Node that is supported, but not in the target of the compiler.
const obeyed = new RegExp(OBEYED, "gv");
/** In JSON text: an escaped backslash, which is nothing; an escape that stands for a control character; or the character itself. */
const obeyedInJson = new RegExp(String.raw`\\\\|\\u00[01][0-9a-f]|\\[bfr]|${OBEYED}`, "giv");
const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "08", f: "0c", r: "0d" };

/**
 * Text from a peer as a person may read it: what a terminal would obey is shown as an escape (`\x1b`, `\u202e`) instead. Newlines and tabs stay.
 * Text that went through here once goes through unchanged.
 */
export function printable(text: string): string {
  return text.replace(obeyed, visible);
}

/** As `printable`, and on one line: newlines and tabs become spaces. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\n\t]/g, " ");
}

/** JSON text that means the same, with what a terminal would obey as escapes of JSON (`\u009b`). */
export function escapedJson(json: string): string {
  return json.replace(obeyed, (character) =>
    Array.from({ length: character.length }, (_, at) => unicodeEscape(character.charCodeAt(at))).join(""),
  );
}

/**
 * JSON text whose strings are printable once they are parsed: what turns JSON into lines for people (pino-pretty, `jq -r`) writes the strings to a terminal
 * as they are.
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
