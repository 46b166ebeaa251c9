import { Argument, Command } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { bashCompletion } from "../completion/bash.js";
import { readTree, type CompletedCommand } from "../completion/command-tree.js";
import { fishCompletion } from "../completion/fish.js";
import { zshCompletion } from "../completion/zsh.js";

const SHELLS: Readonly<Record<string, (tree: CompletedCommand) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export function completionCommand({ terminal }: CommandContext, program: Command): Command {
  const command = new Command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>").choices(Object.keys(SHELLS)))
    .action((shell: string) => {
      const script = SHELLS[shell]?.(readTree(program));
      if (script !== undefined) terminal.out(script.trimEnd());
    });
  return withExamples(
    command,
    "source <(hawser completion bash)    # in ~/.bashrc",
    "source <(hawser completion zsh)     # in ~/.zshrc",
    "hawser completion fish > ~/.config/fish/completions/hawser.fish",
  );
}
