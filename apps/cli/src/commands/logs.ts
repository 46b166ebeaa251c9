import type { Timer } from "@hawser/runtime";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { followStream } from "../api/follow-stream.js";
import type { ServerSentEvent } from "../api/sse-parser.js";
import type { CommandContext } from "../command/command-context.js";
import { durationOption } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES, type ExitCode } from "../exit-codes.js";
import { OutputPrinter } from "../output/output-printer.js";
import { parseResource, referenceOf, type ResourceName } from "../resource-reference.js";

interface LogsOptions {
  readonly follow?: true;
  readonly tail?: number;
  readonly timeout: number;
}

const MAX_TAIL = 999_999;
const DEFAULT_TIMEOUT_MS = 10_000;

const outputSchema = z.object({
  line: z.int().nonnegative(),
  lines: z.array(z.string()),
  starts: z.array(z.object({ line: z.int(), run: z.int() })),
});
const gapSchema = z.object({ lines: z.int().optional(), bytes: z.int().optional(), message: z.string() });
const messageSchema = z.object({ message: z.string(), code: z.string().optional() });
/** What a status keeps of the output for when there is no agent to ask. */
const lastOutputSchema = z.object({ lastOutput: z.array(z.string()) });

export function logsCommand(context: CommandContext): Command {
  const command = new Command("logs")
    .description("show what a Task writes: what its agent has kept, of its last runs as well, or live")
    .argument("<resource>", "AGENT/Task/NAME")
    .option(
      "-F, --follow",
      "go on with what comes, until Ctrl-C; resumed where it was when the stream breaks off",
    )
    .option(
      "--tail <n>",
      "begin with so many of the last lines (default: all that the agent has kept)",
      parseTail,
    )
    .addOption(
      durationOption(
        "--timeout <duration>",
        "how long the agent may take to answer, without --follow",
        DEFAULT_TIMEOUT_MS,
      ),
    )
    .action((resource: string, options: LogsOptions) => logs(context, parseResource(resource), options));
  return withExamples(
    command,
    "hawser logs edge-1/Task/worker",
    "hawser logs edge-1/Task/worker --follow --tail 20",
    "hawser logs edge-1/Task/worker --output jsonl | jq -r .text",
  );
}

function parseTail(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= MAX_TAIL) return Number(text);
  throw new InvalidArgumentError(`give a number of lines, at most ${MAX_TAIL}`);
}

async function logs(context: CommandContext, resource: ResourceName, options: LogsOptions): Promise<void> {
  const { terminal, runtime } = context;
  const client = context.connect();
  const look = new Look(new OutputPrinter(terminal, context.globals().output), options.follow === true);
  let late: Timer | undefined;
  if (options.follow !== true) late = runtime.timers.after(options.timeout, () => look.end());
  try {
    await followStream({
      server: client.server,
      path: pathOf(resource, options),
      timers: runtime.timers,
      random: runtime.random,
      signal: AbortSignal.any([terminal.interrupted, terminal.readerGone, look.ended]),
      onOpen: () => {},
      onEvent: (event) => look.hear(event),
      onInterrupted(reason, retryInMs) {
        terminal.err(
          `hawser: the stream broke off (${reason}); resuming in ${(retryInMs / 1000).toFixed(1)}s`,
        );
      },
      onResumed: () => terminal.err("hawser: the stream goes on"),
    });
  } finally {
    late?.cancel();
  }
  if (terminal.interrupted.aborted || terminal.readerGone.aborted || look.isComplete) return;
  if (look.refusal !== undefined) throw look.refusal;
  const shown = await client.find(resource);
  if (!look.tellLast(shown?.status, options.tail))
    throw new CommandError(EXIT_CODES.timedOut, missing(resource, look));
}

function missing(resource: ResourceName, { why }: Look): string {
  const reason = why ?? "its agent did not answer in time; give it longer with --timeout";
  return `no output of ${referenceOf(resource)}: ${reason}`;
}

function pathOf({ agent, kind, name }: ResourceName, { follow, tail }: LogsOptions): string {
  const query = new URLSearchParams({ follow: String(follow === true) });
  if (tail !== undefined) query.set("tail", String(tail));
  const names = [agent, kind, name].map(encodeURIComponent);
  return `/v1/streams/agents/${names[0]}/resources/${names[1]}/${names[2]}/output?${query.toString()}`;
}

/** One look at the output of a resource, as far as it has come. */
class Look {
  readonly #printer: OutputPrinter;
  readonly #follow: boolean;
  readonly #over = new AbortController();
  /** All there is has been told. */
  isComplete = false;
  refusal: CommandError | undefined;
  /** Why nothing comes. */
  why: string | undefined;

  constructor(printer: OutputPrinter, follow: boolean) {
    this.#printer = printer;
    this.#follow = follow;
  }

  get ended(): AbortSignal {
    return this.#over.signal;
  }

  end(): void {
    this.#over.abort();
  }

  hear(event: ServerSentEvent): void {
    try {
      this.#hear(event);
    } catch (thrown) {
      // Thrown out of here it would pass for a stream that broke off.
      this.#fail(
        thrown instanceof CommandError ? thrown : new CommandError(EXIT_CODES.failed, String(thrown)),
      );
    }
  }

  #hear({ event, data }: ServerSentEvent): void {
    switch (event) {
      case "output":
        this.#printer.lines(read(outputSchema, data));
        return;
      case "gap":
        this.#printer.leftOut(read(gapSchema, data));
        return;
      case "synced":
        this.isComplete = true;
        if (!this.#follow) this.end();
        return;
      case "waiting":
        this.why = read(messageSchema, data).message;
        if (this.#follow) this.#printer.note(this.why);
        else this.end();
        return;
      case "refused":
        this.#refuse(EXIT_CODES.failed, data);
        return;
      case "gone":
        this.#refuse(EXIT_CODES.notFound, data);
        return;
    }
  }

  /** What the last status tells, where the agent does not. False when that is nothing. */
  tellLast(status: unknown, tail: number | undefined): boolean {
    const last = lastOutputSchema.safeParse(status);
    if (!last.success) return false;
    const { lastOutput } = last.data;
    this.#printer.note(
      `${this.why?.replace(/\.$/, "") ?? "its agent did not answer in time"}; these are the last lines of its last status`,
    );
    this.#printer.lines({
      lines:
        tail === undefined
          ? lastOutput
          : lastOutput.slice(lastOutput.length - Math.min(tail, lastOutput.length)),
    });
    return true;
  }

  #refuse(exitCode: ExitCode, data: string): void {
    const { code, message } = read(messageSchema, data);
    this.#fail(new CommandError(exitCode, code === undefined ? message : `${code}: ${message}`));
  }

  #fail(error: CommandError): void {
    this.isComplete = false;
    this.refusal = error;
    this.end();
  }
}

/** @throws CommandError for what no principal of this version tells */
function read<T extends z.ZodType>(schema: T, data: string): z.infer<T> {
  try {
    return schema.parse(JSON.parse(data));
  } catch (cause) {
    throw new CommandError(
      EXIT_CODES.failed,
      "the principal tells what this version does not understand; update hawser",
      {
        cause,
      },
    );
  }
}
