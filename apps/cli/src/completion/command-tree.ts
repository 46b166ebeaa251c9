import type { Command, Option } from "commander";
import { ERROR_CODES } from "@hawser/protocol";

export interface CompletedOption {
  /** `--output`, and `-o` if there is a short one. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** The values there are; empty when they are not known beforehand. */
  readonly values: readonly string[];
  readonly isPath: boolean;
}

/** A command as a shell sees it. */
export interface CompletedCommand {
  /** Words behind `hawser`: empty for itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly children: readonly CompletedCommand[];
  /** Its own and those of everything above it. */
  readonly options: readonly CompletedOption[];
  /** What its arguments may be, where that is known beforehand. */
  readonly values: readonly string[];
}

/** The tree of commands, read from the program itself, so that completion cannot lag behind it. */
export function readTree(
  command: Command,
  path: readonly string[] = [],
  inherited: readonly CompletedOption[] = [],
): CompletedCommand {
  const help: CompletedOption = {
    flags: ["--help", "-h"],
    description: "display help for command",
    takesValue: false,
    values: [],
    isPath: false,
  };
  const own = command.options.filter(({ hidden }) => !hidden).map(completedOption);
  const options = [...own, ...inherited];
  return {
    path,
    description: command.description(),
    options: [...options, help],
    values:
      path[0] === "explain"
        ? ERROR_CODES
        : command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    children: command.commands.map((child) => readTree(child, [...path, child.name()], options)),
  };
}

/** The tree as a list, parents before children. */
export function flatten(command: CompletedCommand): readonly CompletedCommand[] {
  return [command, ...command.children.flatMap(flatten)];
}

function completedOption(option: Option): CompletedOption {
  return {
    flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    takesValue: option.required || option.optional,
    values: option.argChoices ?? [],
    isPath: /<path/.test(option.flags),
  };
}
