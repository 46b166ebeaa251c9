import { Command, CommanderError, Option } from "commander";
import { ApiClient } from "./api-client.js";
import { agents } from "./commands/agents.js";
import { apply } from "./commands/apply.js";
import { deleteResource } from "./commands/delete.js";
import { get } from "./commands/get.js";
import { CommandError, EXIT_CODES } from "./exit-codes.js";
import { OUTPUT_FORMATS, type OutputFormat } from "./output.js";
import type { Terminal } from "./terminal.js";

export const DEFAULT_SERVER = "http://127.0.0.1:7481";

interface GlobalOptions {
  readonly server: string;
  readonly token?: string;
  readonly output: OutputFormat;
}

const EPILOGUE = `
Exit codes: 0 done, 1 failed or refused, 2 wrong command line or manifest, 3 no principal answers, 4 not found, 5 conflict.

Examples:
  hawser agents
  hawser apply -f examples/demo.yaml
  hawser get edge-1
  hawser get edge-1/ConfigFile/motd --output yaml
  hawser delete edge-1/ConfigFile/motd`;

/** Runs one command line and answers its exit code; never throws and never exits by itself. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = createProgram(terminal);
  try {
    await program.parseAsync(args, { from: "user" });
    return EXIT_CODES.ok;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    terminal.err(`hawser: ${message}`);
    return thrown instanceof CommandError ? thrown.exitCode : EXIT_CODES.failed;
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new Command("hawser")
    .description("The command line of a Hawser principal: what agents should hold, and what they made of it.")
    .version("0.1.0")
    .addOption(
      new Option("-s, --server <url>", "HTTP API of the principal")
        .env("HAWSER_SERVER")
        .default(DEFAULT_SERVER),
    )
    .addOption(
      new Option("--token <token>", "bearer token of the API; better given in the environment").env(
        "HAWSER_TOKEN",
      ),
    )
    .addOption(new Option("-o, --output <format>", "how to print").choices(OUTPUT_FORMATS).default("table"))
    .addHelpText("after", EPILOGUE)
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .showHelpAfterError("(hawser --help shows the commands)")
    .exitOverride();

  const connect = (): { client: ApiClient; output: OutputFormat } => {
    const { server, token, output } = program.opts<GlobalOptions>();
    return { client: new ApiClient({ server, token }), output };
  };

  program
    .command("apply")
    .description("set the specs in a file of YAML or JSON documents")
    .requiredOption("-f, --file <path...>", "manifests; - reads standard input")
    .action(async ({ file }: { file: readonly string[] }) => {
      const { client, output } = connect();
      await apply(client, terminal, file, output);
    });
  program
    .command("get")
    .description("show the resources of an agent, or one")
    .argument("<reference>", "AGENT or AGENT/KIND/NAME")
    .action(async (reference: string) => {
      const { client, output } = connect();
      await get(client, terminal, reference, output);
    });
  program
    .command("delete")
    .description("delete a resource; it is gone once its agent acknowledged")
    .argument("<reference>", "AGENT/KIND/NAME")
    .action(async (reference: string) => {
      const { client, output } = connect();
      await deleteResource(client, terminal, reference, output);
    });
  program
    .command("agents")
    .description("show all agents and their sessions")
    .action(async () => {
      const { client, output } = connect();
      await agents(client, terminal, output);
    });
  return program;
}
