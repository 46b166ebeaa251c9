import { flatten, type CompletedCommand } from "./command-tree.js";

/** What fish runs when the time comes. */
const ASK = "(__hawser_ask)";

/** A completion script for fish 3. */
export function fishCompletion(tree: CompletedCommand): string {
  const commands = flatten(tree);
  const paths = commands.filter(({ path }) => path.length > 0).map(({ path }) => path.join(" "));
  const lines = commands.flatMap((command) => {
    const when = `-n ${quote(`__hawser_at ${quote(command.path.join(" "))}`)}`;
    const words = [
      ...command.children.map(
        (child) =>
          `complete -c hawser -f ${when} -a ${quote(child.path.at(-1) ?? "")} -d ${quote(child.description)}`,
      ),
      ...(command.values.length === 0
        ? []
        : [`complete -c hawser -f ${when} -a ${quote(command.values.join(" "))}`]),
      ...(command.arguments.some(({ asks }) => asks !== undefined)
        ? [`complete -c hawser -f ${when} -a ${quote(ASK)}`]
        : []),
    ];
    const options = command.options.map(({ flags, description, takesValue, values, isPath, asks }) => {
      const names = flags.map((flag) =>
        flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const value = !takesValue
        ? []
        : isPath
          ? ["-r -F"]
          : asks !== undefined
            ? ["-x", `-a ${quote(ASK)}`]
            : ["-x", ...(values.length === 0 ? [] : [`-a ${quote(values.join(" "))}`])];
      return ["complete -c hawser", when, ...names, ...value, `-d ${quote(description)}`].join(" ");
    });
    return [...words, ...options];
  });
  return `# fish completion of hawser; load it with: hawser completion fish | source
function __hawser_ask
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  hawser __complete -- $words[2..-1] "$current" 2>/dev/null
end
function __hawser_at
  set -l at ""
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$at $word")
    if contains -- "$next" ${paths.map(quote).join(" ")}
      set at "$next"
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join("\n")}
`;
}

/** As one word of fish, where only quotes and backslashes are special inside single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
