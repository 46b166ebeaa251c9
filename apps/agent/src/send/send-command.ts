import { HawserError, thrownText } from "@hawser/protocol";
import { defined, printableLine, type Runtime } from "@hawser/runtime";
import { eventOf, eventOptions, type EventOptions } from "@hawser/service/send";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { join } from "node:path";
import { z } from "zod";
import { defaultSocketPath } from "../event-socket/socket-settings.js";
import { VERSION } from "../version.js";
import type { SentItem } from "./answers.js";
import { eventsIn } from "./event-feed.js";
import { SEND_EXIT_CODES, SendError, type SendExitCode } from "./exit-codes.js";
import { SocketClient } from "./socket-client.js";

/** What the command reads and writes; tests give their own. */
export interface SendEnvironment {
  readonly runtime: Pick<Runtime, "timers" | "random">;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: Readable;
  readonly inputIsTerminal: boolean;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Aborted by the first Ctrl-C. */
  readonly interrupted: AbortSignal;
}

const OUTPUT_FORMATS = ["table", "jsonl"] as const;
const DEFAULT_TIMEOUT_MS = 30_000;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 } as const;

const optionsSchema = z.object({
  file: z.string().optional(),
  type: z.string().optional(),
  resource: z.string().optional(),
  id: z.string().optional(),
  source: z.string().optional(),
  subject: z.string().optional(),
  data: z.string().optional(),
  dataFile: z.string().optional(),
  extension: z.array(z.string()).optional(),
  name: z.string().optional(),
  dataDir: z.string().optional(),
  socket: z.string().optional(),
  timeout: z.number(),
  output: z.enum(OUTPUT_FORMATS),
});
type SendOptions = z.infer<typeof optionsSchema>;

/** What an event says that is no whole one. */
const PARTS = ["type", "resource", "id", "source", "subject", "data", "dataFile", "extension"] as const;

const EPILOGUE = `
Without --type, standard input is read: an event in JSON, a list of them, or one a line, which is sent as it comes.

Exit codes: 0 all in the agent's mailbox, 1 failed or refused, 2 wrong command line or event, 3 no agent answers, 130 interrupted.

Examples:
  hawser-agent send --name edge-1 --type com.example.door.v1 --resource door_1 --data '{"open":true}'
  hawser-agent send --data-dir /var/lib/hawser-agent --file event.json
  tail -f readings.jsonl | hawser-agent send --socket /run/hawser/agent.sock`;

/** Runs `hawser-agent send`; answers the exit code. */
export async function runSend(args: readonly string[], environment: SendEnvironment): Promise<SendExitCode> {
  const command = createCommand(environment);
  let format: SendOptions["output"] = "table";
  try {
    command.parse([...args], { from: "user" });
    const options = optionsSchema.parse(command.opts());
    format = options.output;
    return await new Sending(options, environment).run();
  } catch (thrown) {
    if (thrown instanceof CommanderError)
      return thrown.exitCode === 0 ? SEND_EXIT_CODES.ok : SEND_EXIT_CODES.usage;
    const error = sendErrorOf(thrown, environment.interrupted);
    environment.err(format === "table" ? `hawser-agent: ${error.message}` : errorJson(error));
    return error.exitCode;
  }
}

function createCommand({ env, out, err }: SendEnvironment): Command {
  const command = new Command("hawser-agent send")
    .description(
      "hand an event to the agent that runs on this machine, for its principal; answers once it is on the agent's disk",
    )
    .version(VERSION)
    .option(
      "-f, --file <path>",
      "a whole event in JSON, a list of them, or one a line; - reads standard input",
    )
    .addOption(fromVariable(env, "--name <name>", "the agent's name, for its data directory", "NAME"))
    .addOption(
      fromVariable(
        env,
        "--data-dir <path>",
        "the agent's data directory; default ./.hawser/agent-<name>",
        "DATA_DIR",
      ),
    )
    .addOption(
      fromVariable(
        env,
        "--socket <path>",
        "the agent's socket; default agent.sock in its data directory",
        "SOCKET",
      ),
    )
    .addOption(
      new Option("--timeout <duration>", "how long the agent may take for an answer")
        .argParser(parseTimeout)
        .default(DEFAULT_TIMEOUT_MS, "30s"),
    )
    .addOption(new Option("-o, --output <format>", "how to print").choices(OUTPUT_FORMATS).default("table"))
    .configureOutput({
      writeOut: (line) => out(line.trimEnd()),
      writeErr: (line) => err(line.trimEnd()),
      outputError: (line, write) => write(line.replace(/^error: /, "hawser-agent: ")),
    })
    .showHelpAfterError("('hawser-agent send --help' shows how)")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false)
    .exitOverride();
  for (const option of eventOptions(
    new Option("--source <uri>", "who says it (default: hawser/agent/<name>)"),
  ))
    command.addOption(option);
  return command;
}

/** As the settings of the service: a flag beats the variable, and an empty variable is none. */
function fromVariable(env: SendEnvironment["env"], flags: string, description: string, name: string): Option {
  const variable = `HAWSER_AGENT_${name}`;
  const option = new Option(flags, `${description} (${variable})`);
  const value = env[variable];
  return value === undefined || value === "" ? option : option.default(value, `${variable} has it`);
}

function parseTimeout(given: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(given) ?? [];
  const known = z.enum(["ms", "s", "m"]).safeParse(unit);
  if (!known.success || Number(amount) === 0)
    throw new InvalidArgumentError("give a duration such as 500ms, 20s or 5m");
  return Number(amount) * UNIT_MS[known.data];
}

/** One run of the command. */
class Sending {
  readonly #options: SendOptions;
  readonly #environment: SendEnvironment;
  readonly #client: SocketClient;
  #refused = false;
  #count = 0;

  constructor(options: SendOptions, environment: SendEnvironment) {
    const { runtime, interrupted } = environment;
    this.#options = options;
    this.#environment = environment;
    const path = socketPathOf(options);
    this.#client = new SocketClient({ path, timeoutMs: options.timeout, runtime, interrupted });
  }

  async run(): Promise<SendExitCode> {
    try {
      if (this.#isWhole) for await (const events of this.#read()) await this.#send(events);
      else await this.#send([await this.#event()]);
      return this.#refused ? SEND_EXIT_CODES.failed : SEND_EXIT_CODES.ok;
    } finally {
      this.#client.close();
    }
  }

  get #isWhole(): boolean {
    const said = PARTS.filter((name) => this.#options[name] !== undefined);
    const { file } = this.#options;
    if (file !== undefined && said.length > 0)
      throw usage(
        "--file has whole events, and the other flags would be parts of one; give one or the other",
      );
    if (file === undefined && said.length === 0 && this.#environment.inputIsTerminal)
      throw usage("say what to send: --type and --resource, --file, or events on standard input");
    return file !== undefined || said.length === 0;
  }

  #read(): AsyncGenerator<readonly unknown[]> {
    const { input, interrupted } = this.#environment;
    const { file = "-" } = this.#options;
    const stream = file === "-" ? input : createReadStream(file);
    stream.setEncoding("utf8");
    interrupted.addEventListener("abort", () => void stream.destroy(), { once: true });
    return eventsIn(chunksOf(stream, file), file === "-" ? "standard input" : file);
  }

  async #event(): Promise<object> {
    const { random } = this.#environment.runtime;
    const { source, ...said } = this.#options;
    // What is wrong with the rest is said before anybody is asked.
    const event = await eventOf(dropUndefined({ ...said, source: source ?? "" }), {
      newId: () => random.uuid(),
      readText: (file) => (file === "-" ? text(this.#environment.input) : fileText(file)),
      warn: (line) => this.#environment.err(`hawser-agent: ${line}`),
    });
    return source === undefined
      ? { ...event, source: `hawser/agent/${await this.#client.agentName()}` }
      : event;
  }

  async #send(events: readonly unknown[]): Promise<void> {
    for (const item of await this.#client.send(events)) {
      this.#count += 1;
      this.#tell(item);
    }
  }

  #tell(item: SentItem): void {
    const { out, err } = this.#environment;
    if ("error" in item) {
      this.#refused = true;
      err(printableLine(`hawser-agent: event ${this.#count}: ${item.error.code}: ${item.error.detail}`));
    }
    if (this.#options.output === "jsonl") out(JSON.stringify(item));
    else if (!("error" in item)) out(printableLine(sentence(item)));
  }
}

function sentence({
  resourceid,
  eventid,
  duplicate,
}: Exclude<SentItem, { readonly error: unknown }>): string {
  return `${resourceid} ${duplicate ? "was accepted before" : "accepted"}, version ${eventid}`;
}

/** @throws SendError (usage) when nothing says which agent */
function socketPathOf({ socket, dataDir, name }: SendOptions): string {
  if (socket !== undefined && socket !== "off") return socket;
  if (dataDir !== undefined) return defaultSocketPath(dataDir);
  if (name !== undefined) return defaultSocketPath(join(".hawser", `agent-${name}`));
  throw usage("which agent: give its --name, its --data-dir or its --socket");
}

/** The text of a stream, whose end by an interrupt is none of its faults. */
async function* chunksOf(stream: Readable, file: string): AsyncGenerator<string> {
  try {
    for await (const chunk of stream) yield String(chunk);
  } catch (cause) {
    throw usage(`${file === "-" ? "standard input" : file} cannot be read: ${thrownText(cause)}`, cause);
  }
}

async function fileText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw usage(`${file} cannot be read: ${thrownText(cause)}`, cause);
  }
}

function dropUndefined(options: SendOptions & { readonly source: string }): EventOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return { source: options.source, ...Object.fromEntries(entries) };
}

function usage(message: string, cause?: unknown): SendError {
  return new SendError(SEND_EXIT_CODES.usage, message, cause === undefined ? {} : { cause });
}

function sendErrorOf(thrown: unknown, interrupted: AbortSignal): SendError {
  const isSaid = thrown instanceof SendError && thrown.exitCode === SEND_EXIT_CODES.interrupted;
  // Whatever failed after Ctrl-C failed because of it.
  if (interrupted.aborted && !isSaid) return new SendError(SEND_EXIT_CODES.interrupted, "interrupted");
  if (thrown instanceof SendError) return thrown;
  if (thrown instanceof HawserError)
    return new SendError(SEND_EXIT_CODES.usage, thrown.message, { cause: thrown });
  return new SendError(SEND_EXIT_CODES.failed, thrownText(thrown), { cause: thrown });
}

function errorJson({ message, exitCode, code }: SendError): string {
  return JSON.stringify({ error: { message, exitCode, ...defined({ code }) } });
}
