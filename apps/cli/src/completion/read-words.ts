import type { Asked, CompletedCommand, CompletedOption } from "./command-tree.js";

/** What stands on a command line that is not finished. */
export interface WordsRead {
  /** What is asked for at the cursor; undefined when nobody has to be asked. */
  readonly asks: Asked | undefined;
  /** The word at the cursor, as far as it goes. */
  readonly current: string;
  /** Arguments in front of it. */
  readonly given: readonly string[];
  /** Values of options in front of it, by their long names. */
  readonly options: ReadonlyMap<string, string>;
}

/** @param words what stands behind `hawser` up to the cursor; the last one is the word at the cursor, empty behind a space */
export function readWords(tree: CompletedCommand, words: readonly string[]): WordsRead {
  const current = words.at(-1) ?? "";
  const given: string[] = [];
  const options = new Map<string, string>();
  let command = tree;
  let open: CompletedOption | undefined;
  let onlyArguments = false;
  for (const word of words.slice(0, -1)) {
    const isOption = !onlyArguments && word.startsWith("-") && word !== "-";
    if (open !== undefined && !isOption) {
      options.set(nameOf(open), word);
      if (!open.variadic) open = undefined;
    } else if (word === "--") onlyArguments = true;
    else if (isOption) {
      const [flag = "", ...value] = word.split("=");
      const option = command.options.find(({ flags }) => flags.includes(flag));
      open = option?.takesValue === true && value.length === 0 ? option : undefined;
      if (option !== undefined && value.length > 0) options.set(nameOf(option), value.join("="));
    } else {
      const child =
        given.length === 0 ? command.children.find(({ path }) => path.at(-1) === word) : undefined;
      if (child === undefined) given.push(word);
      else command = child;
    }
  }
  const argument = command.arguments[given.length] ?? command.arguments.findLast(({ variadic }) => variadic);
  const asks =
    !onlyArguments && current.startsWith("-") ? undefined : open === undefined ? argument?.asks : open.asks;
  return { asks, current, given, options };
}

function nameOf({ flags }: CompletedOption): string {
  return flags[0] ?? "";
}
