import { quote } from "./bash.js";
import { flatten, type CompletedCommand, type CompletedOption } from "./command-tree.js";

/** Asks hawser for names; one that ends with a slash goes on behind it. */
const ASK = `_hawser_ask() {
  local -a found_ open_
  found_=("\${(@f)$(hawser __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  open_=("\${(@M)found_:#*/}")
  found_=("\${(@)found_:#(*/|)}")
  ((\${#found_} + \${#open_})) || return 1
  compadd -a found_
  compadd -S '' -a open_
}
`;

/** Completes at once where zsh has loaded this as a function of fpath, and registers it where it is sourced. */
const LOAD = `if [[ "\${funcstack[1]}" == _hawser ]]; then
  _hawser "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _hawser hawser
fi
`;

/** A completion script for zsh 5, as a file of fpath or to be sourced. */
export function zshCompletion(tree: CompletedCommand): string {
  const commands = flatten(tree);
  const known = commands.filter(({ path }) => path.length > 0).map(({ path }) => quote(path.join(" ")));
  const cases = commands.map(
    (command) => `    ${quote(command.path.join(" "))})
      words_=(${[...command.children.map((child) => described(child.path.at(-1) ?? "", child.description)), ...command.values.map(quote)].join(" ")})
      options_=(${command.options.flatMap((option) => option.flags.map((flag) => described(flag, option.description))).join(" ")})
      asks_=${command.arguments.some(({ asks }) => asks !== undefined) ? 1 : 0}
${valueCases(command.options)}
      ;;`,
  );
  return `#compdef hawser
# zsh completion of hawser; load it with: source <(hawser completion zsh)
# Asks hawser itself; a name that ends with a slash goes on behind it.
${ASK}_hawser() {
  local path_="" next_="" word_ previous_="\${words[CURRENT-1]}"
  local -a words_ options_ values_
  local takes_=0 file_=0 asks_=0 index_
  for ((index_ = 2; index_ < CURRENT; index_++)); do
    word_="\${words[index_]}"
    next_="\${path_:+$path_ }$word_"
    case "$next_" in
      ${known.join("|")}) path_="$next_" ;;
    esac
  done
  case "$path_" in
${cases.join("\n")}
  esac
  if ((file_)); then
    _files
  elif ((takes_ == 2)); then
    _hawser_ask
  elif ((takes_)); then
    ((\${#values_})) && _describe value values_
  elif [[ "\${words[CURRENT]}" == -* ]]; then
    _describe option options_
  elif ((\${#words_})); then
    _describe command words_
  elif ((asks_)); then
    _hawser_ask
  else
    _files
  fi
}
${LOAD}`;
}

function valueCases(options: readonly CompletedOption[]): string {
  const lines = options
    .filter(({ takesValue }) => takesValue)
    .map(
      ({ flags, values, isPath, asks }) =>
        `        ${flags.join("|")}) ${isPath ? "file_=1" : `takes_=${asks === undefined ? 1 : 2}; values_=(${values.map(quote).join(" ")})`} ;;`,
    );
  return lines.length === 0 ? "" : `      case "$previous_" in\n${lines.join("\n")}\n      esac`;
}

/** `name:description` for _describe, where a colon in the name would end it. */
function described(name: string, description: string): string {
  return quote(`${name.replaceAll(":", "\\:")}:${description}`);
}
