import { positionOf, type TextPosition } from "@hawser/protocol";

const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
const SPACE = /[ \t\n\r]*/y;

type Expectation = "value" | "value or ]" | "name" | "name or }" | ":" | ", or end";

/**
 * Position of the first token that `JSON.parse` cannot accept: the engine's message depends on its
 * version and often has no position.
 */
export function jsonErrorPosition(text: string): TextPosition {
  const open: ("{" | "[")[] = [];
  let expected: Expectation = "value";
  let index = 0;
  for (;;) {
    TOKEN.lastIndex = index;
    const match = TOKEN.exec(text);
    if (match === null) break;
    const next = after(match[1] ?? (match[2] === undefined ? "literal" : "string"), expected, open);
    if (next === undefined) break;
    expected = next;
    index = TOKEN.lastIndex;
  }
  SPACE.lastIndex = index;
  SPACE.exec(text);
  return positionOf(text, SPACE.lastIndex);
}

/** The expectation after `token`; undefined when it is illegal here. Updates `open`. */
function after(token: string, expected: Expectation, open: ("{" | "[")[]): Expectation | undefined {
  const container = open.at(-1);
  const wantsValue = expected === "value" || expected === "value or ]";
  switch (token) {
    case "{":
    case "[":
      if (!wantsValue) return undefined;
      open.push(token);
      return token === "{" ? "name or }" : "value or ]";
    case "}":
    case "]": {
      const empty = token === "}" ? "name or }" : "value or ]";
      if (container !== (token === "}" ? "{" : "[")) return undefined;
      if (expected !== empty && expected !== ", or end") return undefined;
      open.pop();
      return ", or end";
    }
    case ",":
      if (expected !== ", or end" || container === undefined) return undefined;
      return container === "{" ? "name" : "value";
    case ":":
      return expected === ":" ? "value" : undefined;
    case "string":
      if (expected === "name" || expected === "name or }") return ":";
      return wantsValue ? ", or end" : undefined;
    default:
      return wantsValue ? ", or end" : undefined;
  }
}
