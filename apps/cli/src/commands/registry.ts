import type { Command } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { COMPLETE_COMMAND } from "../completion/complete-command.js";

/** Makes a command; those that tell of all commands are given the program. */
export type CreateCommand = (context: CommandContext, program: Command) => Command;

/** In the order of the help: what one does first comes first. Each is read from the disk when it is named, so that a start takes no longer for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<CreateCommand>>> = {
  apply: async () => (await import("./apply.js")).applyCommand,
  diff: async () => (await import("./diff.js")).diffCommand,
  get: async () => (await import("./get.js")).getCommand,
  edit: async () => (await import("./edit.js")).editCommand,
  describe: async () => (await import("./describe.js")).describeCommand,
  delete: async () => (await import("./delete.js")).deleteCommand,
  export: async () => (await import("./export.js")).exportCommand,
  wait: async () => (await import("./wait.js")).waitCommand,
  agents: async () => (await import("./agents.js")).agentsCommand,
  events: async () => (await import("./events.js")).eventsCommand,
  logs: async () => (await import("./logs.js")).logsCommand,
  send: async () => (await import("./send.js")).sendCommand,
  sinks: async () => (await import("./sinks.js")).sinksCommand,
  top: async () => (await import("./top.js")).topCommand,
  status: async () => (await import("./status.js")).statusCommand,
  drain: async () => (await import("./drain.js")).drainCommand,
  "dead-letters": async () => (await import("./dead-letters.js")).deadLettersCommand,
  adopt: async () => (await import("./adopt.js")).adoptCommand,
  doctor: async () => (await import("./doctor.js")).doctorCommand,
  dev: async () => (await import("./dev.js")).devCommand,
  explain: async () => (await import("./explain.js")).explainCommand,
  context: async () => (await import("./context.js")).contextCommand,
  completion: async () => (await import("./completion.js")).completionCommand,
  [COMPLETE_COMMAND]: async () => (await import("./complete.js")).completeCommand,
};

/** These tell of every other. */
const TELL_OF_ALL: readonly string[] = ["completion", COMPLETE_COMMAND];

/** @param named the first word of a command line. Every command comes where it names none: the help lists them, and a misspelt name is told the right one. */
export async function commandsFor(named: string | undefined): Promise<readonly CreateCommand[]> {
  const needed = Object.entries(COMMANDS).filter(([name]) => name === named && !TELL_OF_ALL.includes(name));
  return Promise.all((needed.length > 0 ? needed : Object.entries(COMMANDS)).map(([, load]) => load()));
}
