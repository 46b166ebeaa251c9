import { flatten, type CompletedCommand, type CompletedOption } from "./command-tree.js";

/** A completion script for bash 4 and newer; needs nothing but bash. */
export function bashCompletion(tree: CompletedCommand): string {
  const commands = flatten(tree);
  const cases = commands.map(
    ({ path, children, options, values, arguments: own }) =>
      `    ${quote(path.join(" "))}) words=${quote([...children.map((child) => child.path.at(-1) ?? ""), ...values].join(" "))}; options=${quote(options.flatMap(({ flags }) => flags).join(" "))}${own.some(({ asks }) => asks !== undefined) ? "; asks=1" : ""} ;;`,
  );
  const known = commands.filter(({ path }) => path.length > 0).map(({ path }) => quote(path.join(" ")));
  const valueCases = [...placesByReply(commands)].map(
    ([reply, places]) => `    ${places.map(quote).join("|")}) ${reply}; return ;;`,
  );
  return `# bash completion of hawser; load it with: source <(hawser completion bash)
# Asks hawser itself, with the words as they were typed: bash cuts them at colons as well.
_hawser_ask() {
  local line="\${COMP_LINE:0:COMP_POINT}" word index cut
  local -a typed=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if ((index > 0)) && [[ "$line" != [[:space:]]* ]]; then typed[\${#typed[@]}-1]+="$word"; else typed+=("$word"); fi
    line="\${line#"\${line%%[![:space:]]*}"}"
    line="\${line#"$word"}"
  done
  word="\${typed[\${#typed[@]}-1]}"
  cut="\${word%"\${COMP_WORDS[COMP_CWORD]}"}"
  while IFS= read -r word; do COMPREPLY+=("\${word#"$cut"}"); done < <(hawser __complete -- "\${typed[@]:1}" 2>/dev/null)
  if ((\${#COMPREPLY[@]} == 1)) && [[ "\${COMPREPLY[0]}" == */ ]]; then compopt -o nospace; fi
}
_hawser() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="" word index next words="" options="" asks=""
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    next="\${path:+$path }$word"
    case "$next" in
      ${known.join("|")}) path="$next" ;;
    esac
  done
  case "\${path:+$path }$previous" in
${valueCases.join("\n")}
  esac
  case "$path" in
${cases.join("\n")}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ -n "$asks" ]]; then _hawser_ask; fi
  fi
}
complete -o bashdefault -o default -F _hawser hawser
`;
}

/** What completes a value, with the places that have it: the command and the spelling of the option, as several commands have one of the same name. */
function placesByReply(commands: readonly CompletedCommand[]): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>();
  for (const { path, options } of commands)
    for (const option of options) {
      if (!option.takesValue) continue;
      const known = option.flags.map((flag) => [...path, flag].join(" "));
      const reply = replyOf(option);
      places.set(reply, [...(places.get(reply) ?? []), ...known]);
    }
  return places;
}

function replyOf({ values, isPath, asks }: CompletedOption): string {
  if (isPath) return 'COMPREPLY=($(compgen -f -- "$current"))';
  if (asks !== undefined) return "_hawser_ask";
  return `COMPREPLY=($(compgen -W ${quote(values.join(" "))} -- "$current"))`;
}

/** As one word of a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
