import { printable } from "@hawser/runtime";

/** How words are set off. Colour is never the only carrier: the words say it as well. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  accent(text: string): string;
  /** Turns the marks of this style into what a terminal obeys, and everything else that it would obey into visible escapes. */
  render(text: string): string;
}

const same = (text: string): string => text;

/** Nothing is set off. */
export const PLAIN: Style = {
  bold: same,
  dim: same,
  good: same,
  warn: same,
  bad: same,
  accent: same,
  render: printable,
};

/**
 * ANSI attributes (ECMA-48, SGR); the eight base colours follow the theme of the terminal. Until `render`, an attribute is a mark with `secret` in it: text of
 * a peer that imitates one is told apart and shown as text.
 *
 * @param secret letters and digits that no peer knows
 */
export function createStyle(secret: string): Style {
  const setOff =
    (on: number, off: number) =>
    (text: string): string =>
      text === "" ? "" : `${START}${secret}:${on}${END}${text}${START}${secret}:${off}${END}`;
  const mine = new RegExp(`${START}${secret}:(\\d+)${END}`);
  return {
    bold: setOff(1, 22),
    dim: setOff(2, 22),
    good: setOff(32, 39),
    warn: setOff(33, 39),
    bad: setOff(31, 39),
    accent: setOff(36, 39),
    render(text) {
      // Split by a pattern with one group, every second piece is the number of an attribute.
      const pieces = text.split(mine);
      return pieces.map((piece, index) => (index % 2 === 0 ? printable(piece) : `\u001b[${piece}m`)).join("");
    },
  };
}

// Two noncharacters of Unicode: `printable` shows those of others as escapes.
const START = "\ufdd0";
const END = "\ufdd1";
const MARK = new RegExp(`${START}[^${END}]*${END}`, "g");

function withoutStyle(text: string): string {
  return text.replaceAll(MARK, "");
}

/** How many characters are seen. A cell with text from elsewhere went through `printableLine`, so it is as long here as on the screen. */
export function visibleLength(text: string): number {
  return withoutStyle(text).length;
}

/** The line as far as it fits, with its colours, and none of them left on behind it. */
export function cutLine(line: string, columns: number): string {
  if (visibleLength(line) <= columns) return line;
  let room = columns;
  const pieces = line.split(MARK).map((text) => {
    const cut = text.slice(0, room);
    room -= cut.length;
    return cut;
  });
  const marks = line.match(MARK) ?? [];
  return pieces.map((text, index) => text + (marks[index] ?? "")).join("");
}

/** The colour a state deserves. */
export function paintState(style: Style, state: string): string {
  if (/^(connected|delivered|open|running|written|ok|acked|applied|created|updated)$/.test(state))
    return style.good(state);
  if (/^(pending|deleting|draining|opening|warn|skipped|disconnected)$/.test(state)) return style.warn(state);
  if (/^(refused|purged|failed|fail|dead_letter|nacked|stopped|restarting)$/.test(state))
    return style.bad(state);
  return state;
}
