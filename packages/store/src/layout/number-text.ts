import { corruptRow } from "./event-text.js";

/** `count` decimal numbers, each followed by a space, then the rest. */
export function splitNumbers(text: string, count: number, key: string): readonly [readonly number[], string] {
  const numbers: number[] = [];
  let from = 0;
  for (let i = 0; i < count; i++) {
    const end = text.indexOf(" ", from);
    const number = end > from ? Number(text.slice(from, end)) : Number.NaN;
    if (!Number.isSafeInteger(number) || number < 0) throw corruptRow(key, "does not begin with its numbers");
    numbers.push(number);
    from = end + 1;
  }
  return [numbers, text.slice(from)];
}
