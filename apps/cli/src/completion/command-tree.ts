import type { Argument, Command, Option } from "commander";
import { ERROR_CODES } from "@hawser/protocol";
import { COMPLETE_COMMAND } from "./complete-command.js";

export interface CompletedOption {
  /** `--output`, and `-o` if there is a short one. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly variadic: boolean;
  /** The values there are; empty when they are not known beforehand. */
  readonly values: readonly string[];
  readonly isPath: boolean;
  /** What can be asked for when the time comes. */
  readonly asks: Asked | undefined;
}

export interface CompletedArgument {
  readonly variadic: boolean;
  readonly asks: Asked | undefined;
}

/** What only the principal or the configuration knows. An argument or an option asks for it by the name it has in its usage: `<agent>`, `--kind <kind>`. */
export const ASKED = ["agent", "reference", "resource", "kind", "eventid", "context"] as const;
export type Asked = (typeof ASKED)[number];

/** A command as a shell sees it. */
export interface CompletedCommand {
  /** Words behind `hawser`: empty for itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly children: readonly CompletedCommand[];
  /** Its own and those of everything above it. */
  readonly options: readonly CompletedOption[];
  readonly arguments: readonly CompletedArgument[];
  /** What its arguments may be, where that is known beforehand. */
  readonly values: readonly string[];
}

const HELP: CompletedOption = {
  flags: ["--help", "-h"],
  description: "display help for command",
  takesValue: false,
  variadic: false,
  values: [],
  isPath: false,
  asks: undefined,
};

/** The tree of commands, read from the program itself, so that completion cannot lag behind it. */
export function readTree(
  command: Command,
  path: readonly string[] = [],
  inherited: readonly CompletedOption[] = [],
): CompletedCommand {
  const own = command.options.filter(({ hidden }) => !hidden).map(completedOption);
  const options = [...own, ...inherited];
  return {
    path,
    description: command.description(),
    options: [...options, HELP],
    arguments: command.registeredArguments.map(completedArgument),
    values:
      path[0] === "explain"
        ? ERROR_CODES
        : command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    children: command.commands
      .filter((child) => child.name() !== COMPLETE_COMMAND)
      .map((child) => readTree(child, [...path, child.name()], options)),
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
    variadic: option.variadic,
    values: option.argChoices ?? [],
    isPath: /<path/.test(option.flags),
    asks: askedBy(/<([a-z]+)/.exec(option.flags)?.[1]),
  };
}

function completedArgument(argument: Argument): CompletedArgument {
  return { variadic: argument.variadic, asks: askedBy(argument.name()) };
}

function askedBy(name: string | undefined): Asked | undefined {
  return ASKED.find((asked) => asked === name);
}
