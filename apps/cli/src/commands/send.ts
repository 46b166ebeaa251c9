import { HawserError, parseExactJson } from "@hawser/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { EXIT_CODES, QuietExit, usageError } from "../exit-codes.js";
import { codeOf } from "../api/http.js";
import { acceptedSchema, failedItemSchema, type Accepted, type BatchItem } from "../api/schemas.js";
import { readText } from "../manifest/read-manifests.js";
import { warnNeverConnected } from "../output/never-connected.js";
import { isForPeople, printList, printObject } from "../output/print.js";
import type { Terminal } from "../terminal.js";

interface SendOptions {
  readonly file?: string;
  readonly type?: string;
  readonly resource?: string;
  readonly id?: string;
  readonly source: string;
  readonly subject?: string;
  readonly data?: string;
  readonly dataFile?: string;
  readonly extension?: readonly string[];
}

const DEFAULT_SOURCE = "urn:hawser:cli";

export function sendCommand(context: CommandContext): Command {
  const command = new Command("send")
    .description("send a CloudEvent to an agent; answers once it is on the principal's disk")
    .argument("<agent>", "whom to")
    .option("-f, --file <path>", "a whole event in JSON, or a list of them; - reads standard input")
    .option("--type <type>", "such as com.example.order.v1")
    .option("--resource <resourceid>", "NAME_UID: what it is about; keeps the order among events of the same")
    .option(
      "--id <id>",
      "with the source it names the event: the same pair is accepted once (default: a new one)",
    )
    .option("--source <uri>", "who says it", DEFAULT_SOURCE)
    .option("--subject <subject>", "what it is about, in the publisher's words")
    .option("--data <text>", "JSON, or else text")
    .option("--data-file <path>", "the same from a file; - reads standard input")
    .option("--extension <name=value...>", "further attributes, such as expirytime=2030-01-01T00:00:00Z")
    .action((agent: string, options: SendOptions) => sendEvent(context, agent, options));
  return withExamples(
    command,
    `hawser send edge-1 --type com.example.greet.v1 --resource hello_1 --data '{"text":"Ahoy"}'`,
    "hawser send edge-1 --file event.json",
    "cat events.json | hawser send edge-1 --file -",
  );
}

async function sendEvent(context: CommandContext, agent: string, options: SendOptions): Promise<void> {
  const client = context.connect();
  const event =
    options.file === undefined ? await fromOptions(context, options) : await fromFile(context, options.file);
  if (Array.isArray(event)) printBatch(context, agent, await client.publishBatch(agent, event));
  else printAccepted(context, agent, await client.publish(agent, event));
  // It is accepted by now, and must not look as if it were not: a second one would come of it.
  const addressee = await client.findAgent(agent).catch(() => undefined);
  if (addressee?.everConnected === false) warnNeverConnected(context.terminal, [agent]);
}

async function fromOptions({ terminal, runtime }: CommandContext, options: SendOptions): Promise<unknown> {
  const { type, resource, subject } = options;
  if (type === undefined || resource === undefined)
    throw usageError("an event needs --type and --resource, or give a whole one with --file");
  if (options.data !== undefined && options.dataFile !== undefined)
    throw usageError("--data and --data-file are two ways to say the same; give one");
  const text = options.dataFile === undefined ? options.data : await readText(terminal, options.dataFile);
  return {
    ...Object.fromEntries((options.extension ?? []).map(parseExtension)),
    specversion: "1.0",
    id: options.id ?? runtime.random.uuid(),
    source: options.source,
    type,
    resourceid: resource,
    ...(subject === undefined ? {} : { subject }),
    ...(text === undefined ? {} : dataOf(terminal, text)),
  };
}

function dataOf(terminal: Pick<Terminal, "err">, text: string): object {
  try {
    return { datacontenttype: "application/json", data: parseExactJson(text) };
  } catch (thrown) {
    if (thrown instanceof HawserError) throw usageError(`the data: ${thrown.message}`, { cause: thrown });
    if (/^\s*[[{]/.test(text)) terminal.err("hawser: the data is no JSON, and is sent as text");
    return { datacontenttype: "text/plain", data: text };
  }
}

function parseExtension(text: string): readonly [string, string] {
  const [, name, value] = /^([a-z0-9]{1,20})=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw usageError(`'${text}' is no extension; write name=value, the name in a-z and 0-9`);
}

async function fromFile({ terminal }: CommandContext, file: string): Promise<unknown> {
  const text = await readText(terminal, file);
  try {
    return parseExactJson(text);
  } catch (thrown) {
    if (thrown instanceof HawserError) throw usageError(`${file}: ${thrown.message}`, { cause: thrown });
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw usageError(`${file}: no JSON: ${reason}`, { cause: thrown });
  }
}

function printAccepted({ terminal, globals }: CommandContext, agent: string, accepted: Accepted): void {
  const { output } = globals();
  if (!isForPeople(output)) printObject(terminal, output, accepted);
  else terminal.out(sentence(agent, accepted));
}

function sentence(agent: string, { resourceid, eventid, duplicate }: Accepted): string {
  return `${agent} ${resourceid} ${duplicate ? "was accepted before" : "accepted"}, version ${eventid}`;
}

function printBatch({ terminal, globals }: CommandContext, agent: string, items: readonly BatchItem[]): void {
  const { output } = globals();
  if (!isForPeople(output)) printList(terminal, output, items, [], "");
  let refused = false;
  for (const [index, item] of items.entries()) {
    const { error } = failedItemSchema.safeParse(item).data ?? {};
    if (error !== undefined) {
      refused = true;
      terminal.err(`hawser: event ${index + 1}: ${codeOf(error)}: ${error.detail ?? ""}`);
    } else if (isForPeople(output)) terminal.out(sentence(agent, acceptedSchema.parse(item)));
  }
  if (refused) throw new QuietExit(EXIT_CODES.failed);
}
