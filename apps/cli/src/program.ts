import { Command, CommanderError, Option } from "commander";
import type { Runtime } from "@hawser/runtime";
import { commandsFor } from "./commands/registry.js";
import { COMPLETE_COMMAND } from "./completion/complete-command.js";
import { CommandError, EXIT_CODES, QuietExit } from "./exit-codes.js";
import { jsonText } from "./output/json-text.js";
import { EXTRACTS, OUTPUT_FORMATS, parseOutput } from "./output/output-format.js";
import type { Terminal } from "./terminal.js";
import { VERSION } from "./version.js";

export interface CliEnvironment {
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
export async function run(args: readonly string[], environment: CliEnvironment): Promise<number> {
  const { terminal } = environment;
  const program = createProgram(terminal);
  try {
    // It says the version, or what is wrong with an option of all commands, before any of them is read.
    const [named] = program.parseOptions([...args]).operands;
    await addCommands(program, named, environment);
    await program.parseAsync(args, { from: "user" });
    return EXIT_CODES.ok;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    if (thrown instanceof QuietExit) return thrown.exitCode;
    // Whatever failed after Ctrl-C failed because of it.
    if (terminal.interrupted.aborted) return EXIT_CODES.interrupted;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const { exitCode, code } = thrown instanceof CommandError ? thrown : FAILED;
    if (isJson(program.opts().output)) terminal.err(jsonText({ error: { message, exitCode, code } }));
    else terminal.err(`${terminal.errStyle.bad("hawser:")} ${message}`);
    return exitCode;
  }
}

/** How everything ends that is no CommandError. */
const FAILED = { exitCode: EXIT_CODES.failed, code: undefined };

function isJson(output: unknown): boolean {
  return output === "json" || output === "jsonl";
}

/** What is in front of every command: small, for it is all that a start has to read. */
function createProgram(terminal: Terminal): Command {
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
    .addOption(
      new Option("-o, --output <format>", "how to print")
        // For the help and for completion; they would refuse what stands behind jsonpath=.
        .choices([...OUTPUT_FORMATS, ...EXTRACTS])
        .argParser(parseOutput)
        .default("table"),
    )
    .addHelpText("after", EPILOGUE);
  configure(program, terminal);
  return program;
}

/** The commands out of whose results names, manifests and paths can be taken. */
const EXTRACTING: readonly string[] = ["hawser get", "hawser agents"];

/** @param named the command on the command line; undefined: none */
async function addCommands(
  program: Command,
  named: string | undefined,
  { terminal, runtime, env }: CliEnvironment,
): Promise<void> {
  const { createContext } = await import("./command/command-context.js");
  const context = createContext(program, terminal, runtime, env);
  // Before anything is done: an output that a command cannot print is no reason to have done it.
  program.hook("preAction", (_program, command) => {
    if (!EXTRACTING.includes(nameOf(command))) context.globals();
  });
  for (const create of await commandsFor(named)) {
    const command = create(context, program);
    program.addCommand(command, { hidden: command.name() === COMPLETE_COMMAND });
    for (const one of everyCommand(command)) configure(one, terminal);
  }
}

function configure(command: Command, terminal: Terminal): void {
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

/** To commander, `--no-proxy` would be what unsets `--proxy`; here it takes a value of its own. */
function valueOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  option.negate = false;
  return option;
}

function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
