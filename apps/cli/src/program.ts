import { Command, CommanderError, Option } from "commander";
import type { Runtime } from "@hawser/runtime";
import { Refusal } from "./api/http.js";
import { createContext, type CommandContext } from "./command/command-context.js";
import { adoptCommand } from "./commands/adopt.js";
import { agentsCommand } from "./commands/agents.js";
import { applyCommand } from "./commands/apply.js";
import { completeCommand } from "./commands/complete.js";
import { completionCommand } from "./commands/completion.js";
import { contextCommand } from "./commands/context.js";
import { deadLettersCommand } from "./commands/dead-letters.js";
import { deleteCommand } from "./commands/delete.js";
import { describeCommand } from "./commands/describe.js";
import { devCommand } from "./commands/dev.js";
import { diffCommand } from "./commands/diff.js";
import { doctorCommand } from "./commands/doctor.js";
import { drainCommand } from "./commands/drain.js";
import { eventsCommand } from "./commands/events.js";
import { explainCommand } from "./commands/explain.js";
import { exportCommand } from "./commands/export.js";
import { getCommand } from "./commands/get.js";
import { sendCommand } from "./commands/send.js";
import { sinksCommand } from "./commands/sinks.js";
import { statusCommand } from "./commands/status.js";
import { topCommand } from "./commands/top.js";
import { waitCommand } from "./commands/wait.js";
import { CommandError, EXIT_CODES, QuietExit } from "./exit-codes.js";
import { jsonText } from "./output/documents.js";
import { OUTPUT_FORMATS } from "./output/print.js";
import type { Terminal } from "./terminal.js";
import { VERSION } from "./version.js";

export interface World {
  readonly terminal: Terminal;
  readonly runtime: Pick<Runtime, "clock" | "timers" | "random">;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const EPILOGUE = `
Which principal: --server, else --context, else HAWSER_SERVER, else HAWSER_CONTEXT, else the current context, else http://127.0.0.1:7481.

Exit codes: 0 done, 1 failed or refused (diff: different), 2 wrong command line, configuration or manifest, 3 no principal answers,
4 not found, 5 conflict, 6 not there in time, 7 diff could not compare, 130 interrupted.

Examples:
  hawser dev
  hawser agents
  hawser apply -f examples/demo.yaml --wait
  hawser get edge-1/ConfigFile/motd --output yaml
  hawser events --follow`;

/** Runs one command line and answers its exit code; never throws and never exits by itself. */
export async function run(args: readonly string[], world: World): Promise<number> {
  const { terminal } = world;
  const program = createProgram(world);
  try {
    await program.parseAsync(args, { from: "user" });
    return EXIT_CODES.ok;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    if (thrown instanceof QuietExit) return thrown.exitCode;
    // Whatever failed after Ctrl-C failed because of it.
    if (terminal.interrupted.aborted) return EXIT_CODES.interrupted;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const exitCode = thrown instanceof CommandError ? thrown.exitCode : EXIT_CODES.failed;
    const code = thrown instanceof Refusal ? { code: thrown.code } : {};
    if (isJson(program.opts().output)) terminal.err(jsonText({ error: { message, exitCode, ...code } }));
    else terminal.err(`${terminal.errStyle.bad("hawser:")} ${message}`);
    return exitCode;
  }
}

function isJson(output: unknown): boolean {
  return output === "json" || output === "jsonl";
}

/** The tree of commands. */
function createProgram({ terminal, runtime, env }: World): Command {
  const program = new Command("hawser")
    .description("The command line of a Hawser principal: what agents should hold, and what they made of it.")
    .version(VERSION, "-v, --version", "say the version")
    .addOption(new Option("-s, --server <url>", "HTTP API of the principal (HAWSER_SERVER)"))
    .addOption(new Option("--context <context>", "a context by its name (HAWSER_CONTEXT)"))
    .addOption(
      new Option("--token <token>", "bearer token; shows in the process list, so rather HAWSER_TOKEN"),
    )
    .addOption(new Option("--token-file <path>", "file with the bearer token (HAWSER_TOKEN_FILE)"))
    .addOption(
      new Option("--ca-file <path>", "PEM authority of the principal's certificate (HAWSER_CA_FILE)"),
    )
    .addOption(
      new Option(
        "--proxy <url>",
        "HTTP proxy that leads to the principal, or none (HTTPS_PROXY, HTTP_PROXY)",
      ),
    )
    .addOption(valueOption("--no-proxy <list>", "what is reached without the proxy (NO_PROXY)"))
    .addOption(new Option("-o, --output <format>", "how to print").choices(OUTPUT_FORMATS).default("table"))
    .addHelpText("after", EPILOGUE);
  const context = createContext(program, terminal, runtime, env);
  for (const command of [...COMMANDS.map((create) => create(context)), completionCommand(context, program)])
    program.addCommand(command);
  program.addCommand(completeCommand(context, program), { hidden: true });
  for (const command of everyCommand(program)) {
    command
      .configureOutput({
        writeOut: (text) => terminal.out(text.trimEnd()),
        writeErr: (text) => terminal.err(text.trimEnd()),
        outputError: (text, write) => write(text.replace(/^error: /, `${terminal.errStyle.bad("hawser:")} `)),
      })
      .configureHelp({ showGlobalOptions: true })
      .showHelpAfterError(`('${nameOf(command)} --help' shows how)`)
      .exitOverride();
  }
  return program;
}

/** To commander, `--no-proxy` would be what unsets `--proxy`; here it takes a value of its own. */
function valueOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  option.negate = false;
  return option;
}

/** In the order of the help: what one does first comes first. */
const COMMANDS: readonly ((context: CommandContext) => Command)[] = [
  applyCommand,
  diffCommand,
  getCommand,
  describeCommand,
  deleteCommand,
  exportCommand,
  waitCommand,
  agentsCommand,
  eventsCommand,
  sendCommand,
  sinksCommand,
  topCommand,
  statusCommand,
  drainCommand,
  deadLettersCommand,
  adoptCommand,
  doctorCommand,
  devCommand,
  explainCommand,
  contextCommand,
];

function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
