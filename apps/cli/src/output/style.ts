/** How words are set off. Colour is never the only carrier: the words say it as well. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  accent(text: string): string;
}

const same = (text: string): string => text;

/** Nothing is set off. */
export const PLAIN: Style = { bold: same, dim: same, good: same, warn: same, bad: same, accent: same };

/** ANSI attributes (ECMA-48, SGR); the eight base colours follow the theme of the terminal. */
export function createStyle(): Style {
  const sgr =
    (on: number, off: number) =>
    (text: string): string =>
      text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`;
  return {
    bold: sgr(1, 22),
    dim: sgr(2, 22),
    good: sgr(32, 39),
    warn: sgr(33, 39),
    bad: sgr(31, 39),
    accent: sgr(36, 39),
  };
}

const SGR = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, "g");
const CONTROL = /\p{Cc}/gu;

function withoutStyle(text: string): string {
  return text.replaceAll(SGR, "");
}

/** How many characters are seen. */
export function visibleLength(text: string): number {
  return withoutStyle(text).length;
}

/** The line as far as it fits, with its colours, and none of them left on behind it. */
export function cutLine(line: string, columns: number): string {
  if (visibleLength(line) <= columns) return line;
  let room = columns;
  const pieces = line.split(SGR).map((text) => {
    const cut = text.slice(0, room);
    room -= cut.length;
    return cut;
  });
  const marks = line.match(SGR) ?? [];
  return pieces.map((text, index) => text + (marks[index] ?? "")).join("");
}

/** Text from elsewhere for one line of a terminal: control characters could move the cursor or change its colours. */
export function oneLine(text: string): string {
  return text.replace(CONTROL, (character) => (character === "\n" || character === "\t" ? " " : "\uFFFD"));
}

/** The colour a state deserves. */
export function paintState(style: Style, state: string): string {
  if (/^(connected|delivered|open|running|written|ok|acked|applied|created|updated)$/.test(state))
    return style.good(state);
  if (/^(pending|deleting|draining|opening|warn|skipped|disconnected)$/.test(state)) return style.warn(state);
  if (/^(refused|failed|fail|dead_letter|nacked|stopped)$/.test(state)) return style.bad(state);
  return state;
}
