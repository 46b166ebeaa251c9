import { Command, Option } from "commander";
import type { Sink, SinkDeadLetter } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { durationOption } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { EXIT_CODES, QuietExit, usageError } from "../exit-codes.js";
import { readText } from "../manifest/read-manifests.js";
import { sinkColumns, sinkDeadLetterColumns } from "../output/columns.js";
import { isForPeople } from "../output/output-format.js";
import { printList, printObject, printOne } from "../output/print.js";

interface AddOptions {
  readonly webhook?: string;
  readonly file?: true;
  readonly mode?: string;
  readonly secretFile?: string;
  readonly headerFile?: string;
  readonly timeout?: number;
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  readonly type?: readonly string[];
  readonly source?: readonly string[];
  readonly agent?: readonly string[];
  readonly giveUpAfter?: number;
  readonly from: string;
  readonly replace?: true;
}

interface Some {
  readonly all?: true;
}

/** `hawser sinks`: where the events go that agents send. */
export function sinksCommand(context: CommandContext): Command {
  const command = new Command("sinks").description(
    "where the events go that agents send: webhooks and files; look, add, test, pause, remove",
  );
  const all = [listCommand, showCommand, addCommand, testCommand, pauseCommand, resumeCommand, removeCommand];
  for (const create of [...all, deadLettersCommand, requeueCommand, discardCommand])
    command.addCommand(create(context));
  return withExamples(
    command,
    "hawser sinks list",
    "hawser sinks add audit --file",
    "hawser sinks add orders --webhook https://example.org/hook --type 'com.example.order.*'",
  );
}

function listCommand(context: CommandContext): Command {
  const command = new Command("list").description("all of them, and how far each is").action(async () => {
    const sinks = await context.connect().sinks.list();
    printList(
      context.terminal,
      context.globals().output,
      sinks,
      sinkColumns,
      "no sinks; 'hawser sinks add --help' shows how",
    );
  });
  return withExamples(command, "hawser sinks list", "hawser sinks list --output wide");
}

function showCommand(context: CommandContext): Command {
  const command = new Command("show")
    .description("one: what it gets, how far it is, and why it fails")
    .argument("<sink>")
    .action(async (name: string) => printSink(context, await context.connect().sinks.get(name)));
  return withExamples(command, "hawser sinks show audit");
}

function addCommand(context: CommandContext): Command {
  const command = new Command("add")
    .description("add a sink: what agents send from now on is delivered to it")
    .argument("<sink>", "its name")
    .option("--webhook <url>", "CloudEvents are posted there")
    .option("--file", "events are written into NAME.jsonl on the principal's machine")
    .addOption(
      new Option(
        "--mode <mode>",
        "of a webhook: one event in JSON, as headers and body, or many in JSON",
      ).choices(["structured", "binary", "batch"]),
    )
    .option(
      "--secret-file <path>",
      "of a webhook: file with the secret that requests are signed with, whsec_...",
    )
    .option("--header-file <path>", "of a webhook: file with headers to send along, 'name: value' a line")
    .addOption(
      durationOption("--timeout <duration>", "of a webhook: how long a delivery may take; default 10s"),
    )
    .option(
      "--max-bytes <n>",
      "of a file: it is closed at this size, and a new one begun; default 67108864",
      Number,
    )
    .option("--max-files <n>", "of a file: how many are kept; default 5", Number)
    .option("--type <type...>", "only events of these types; * stands for any characters")
    .option("--source <uri...>", "only events from these sources; * stands for any characters")
    .option("--agent <agent...>", "only events of these agents; * stands for any characters")
    .addOption(
      durationOption(
        "--give-up-after <duration>",
        "how long an event is tried that alone is refused; default 24h",
      ),
    )
    .addOption(
      new Option("--from <where>", "begin with the events to come, or with the oldest there are")
        .choices(["now", "oldest"])
        .default("now"),
    )
    .option("--replace", "change the one that is there; it goes on where it is")
    .action((name: string, options: AddOptions) => addSink(context, name, options));
  return withExamples(
    command,
    "hawser sinks add audit --file --from oldest",
    "hawser sinks add orders --webhook https://example.org/hook --type 'com.example.order.*' --secret-file secret",
    "hawser sinks add orders --webhook https://example.org/hook --mode batch --replace",
  );
}

async function addSink(context: CommandContext, name: string, options: AddOptions): Promise<void> {
  const body = {
    target: await targetOf(context, options),
    filter: { types: options.type ?? [], sources: options.source ?? [], agents: options.agent ?? [] },
    giveUpAfterMs: options.giveUpAfter,
  };
  const sink = await context.connect().sinks.put(name, body, options.from, options.replace !== true);
  printSink(context, sink);
}

async function targetOf(context: CommandContext, options: AddOptions): Promise<Record<string, unknown>> {
  const { webhook, file, mode, secretFile, headerFile, timeout, maxBytes, maxFiles } = options;
  if ((webhook === undefined) === (file === undefined)) throw usageError("give --webhook URL or --file");
  const isOfFile = maxBytes !== undefined || maxFiles !== undefined;
  if (webhook === undefined) {
    if (mode !== undefined || secretFile !== undefined || headerFile !== undefined || timeout !== undefined)
      throw usageError("--mode, --secret-file, --header-file and --timeout are of webhooks");
    return { kind: "file", maxBytes, maxFiles };
  }
  if (isOfFile) throw usageError("--max-bytes and --max-files are of files");
  const { terminal } = context;
  const secret = secretFile === undefined ? undefined : (await readText(terminal, secretFile)).trim();
  const headers =
    headerFile === undefined ? undefined : headersOf(await readText(terminal, headerFile), headerFile);
  return { kind: "webhook", url: webhook, mode, secret, headers, timeoutMs: timeout };
}

function headersOf(text: string, path: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line, index) => {
      const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
      if (name === undefined || value === undefined)
        throw usageError(`${path}:${index + 1} is no header; write 'name: value'`);
      return [name.toLowerCase(), value];
    }),
  );
}

function testCommand(context: CommandContext): Command {
  const command = new Command("test")
    .description("deliver an event of the type hawser.sink.test.v1 at once, past the log")
    .argument("<sink>")
    .action(async (name: string) => {
      const { terminal } = context;
      const { output } = context.globals();
      const result = await context.connect().sinks.test(name);
      if (!isForPeople(output)) printObject(terminal, output, result);
      else if (result.ok) terminal.out(`${name} took it in ${result.durationMs}ms`);
      else terminal.err(`hawser: ${name} did not take it: ${result.message ?? "no reason was given"}`);
      if (!result.ok) throw new QuietExit(EXIT_CODES.failed);
    });
  return withExamples(command, "hawser sinks test orders");
}

function pauseCommand(context: CommandContext): Command {
  const command = new Command("pause")
    .description("deliver nothing to it; what is of interest to it waits in the principal's log")
    .argument("<sink>")
    .action(async (name: string) => printSink(context, await context.connect().sinks.switch(name, "pause")));
  return withExamples(command, "hawser sinks pause orders");
}

function resumeCommand(context: CommandContext): Command {
  const command = new Command("resume")
    .description("deliver to it again, from where it was")
    .argument("<sink>")
    .action(async (name: string) => printSink(context, await context.connect().sinks.switch(name, "resume")));
  return withExamples(command, "hawser sinks resume orders");
}

function removeCommand(context: CommandContext): Command {
  const command = new Command("remove")
    .description("remove it; its dead letters go with it")
    .argument("<sink>")
    .option("--force", "although events wait for it, or are its dead letters")
    .action(async (name: string, { force }: { readonly force?: true }) => {
      await context.connect().sinks.remove(name, force === true);
      const { output } = context.globals();
      if (isForPeople(output)) context.terminal.out(`${name} removed`);
      else printList(context.terminal, output, [{ sink: name }], [], "");
    });
  return withExamples(command, "hawser sinks remove orders", "hawser sinks remove orders --force");
}

function deadLettersCommand(context: CommandContext): Command {
  const command = new Command("dead-letters")
    .description("what it gave up, because its receiver refused that while it took others")
    .argument("<sink>")
    .action(async (name: string) => {
      const letters = await context.connect().sinks.deadLetters(name);
      const whenEmpty = `no dead letters of ${name}`;
      printList(context.terminal, context.globals().output, letters, sinkDeadLetterColumns, whenEmpty);
    });
  return withExamples(command, "hawser sinks dead-letters orders");
}

function requeueCommand(context: CommandContext): Command {
  const command = new Command("requeue")
    .description("deliver dead letters again")
    .argument("<sink>")
    .argument("[id...]", "column ID of its dead letters")
    .option("--all", "every one")
    .action((name: string, ids: readonly string[], some: Some) =>
      each(context, { name, ids, ...some, done: "is tried again" }, (client, id) =>
        client.sinks.requeue(name, id),
      ),
    );
  return withExamples(command, "hawser sinks requeue orders 3", "hawser sinks requeue orders --all");
}

function discardCommand(context: CommandContext): Command {
  const command = new Command("discard")
    .description("throw dead letters away for good")
    .argument("<sink>")
    .argument("[id...]", "column ID of its dead letters")
    .option("--all", "every one")
    .action((name: string, ids: readonly string[], some: Some) =>
      each(context, { name, ids, ...some, done: "discarded" }, (client, id) =>
        client.sinks.discard(name, id),
      ),
    );
  return withExamples(command, "hawser sinks discard orders 3", "hawser sinks discard orders --all");
}

interface Chosen extends Some {
  readonly name: string;
  readonly ids: readonly string[];
  /** What is said of each. */
  readonly done: string;
}

async function each(
  context: CommandContext,
  { name, ids, all, done }: Chosen,
  step: (client: ReturnType<CommandContext["connect"]>, id: string) => Promise<void>,
): Promise<void> {
  if ((all === true) === ids.length > 0) throw usageError("give ids, or --all");
  const { terminal } = context;
  const { output } = context.globals();
  const client = context.connect();
  const letters = all === true ? await client.sinks.deadLetters(name) : [];
  const chosen = all === true ? letters.map(({ id }: SinkDeadLetter) => id) : ids;
  const changed: { readonly sink: string; readonly id: string }[] = [];
  try {
    for (const id of chosen) {
      await step(client, id);
      changed.push({ sink: name, id });
      if (isForPeople(output)) terminal.out(`${name} ${id} ${done}`);
    }
  } finally {
    if (!isForPeople(output)) printList(terminal, output, changed, [], "");
  }
  if (isForPeople(output) && chosen.length === 0) terminal.err(`no dead letters of ${name}`);
}

function printSink({ terminal, globals }: CommandContext, sink: Sink): void {
  printOne(terminal, globals().output, sink, sinkColumns);
}
