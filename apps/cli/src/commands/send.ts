import { HawserError } from "@hawser/protocol";
import { eventOf, eventOptions, parseEvents, type EventOptions } from "@hawser/service/send";
import { Command, Option } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { EXIT_CODES, QuietExit, usageError } from "../exit-codes.js";
import { codeOf } from "../api/http.js";
import { acceptedSchema, failedItemSchema, type Accepted, type BatchItem } from "../api/schemas.js";
import { readText } from "../manifest/read-manifests.js";
import { warnNeverConnected } from "../output/never-connected.js";
import { isForPeople } from "../output/output-format.js";
import { printList, printObject } from "../output/print.js";

interface SendOptions extends EventOptions {
  readonly file?: string;
}

const DEFAULT_SOURCE = "urn:hawser:cli";

export function sendCommand(context: CommandContext): Command {
  const command = new Command("send")
    .description("send a CloudEvent to an agent; answers once it is on the principal's disk")
    .argument("<agent>", "whom to")
    .option("-f, --file <path>", "a whole event in JSON, or a list of them; - reads standard input")
    .action((agent: string, options: SendOptions) => sendEvent(context, agent, options));
  for (const option of eventOptions(new Option("--source <uri>", "who says it").default(DEFAULT_SOURCE)))
    command.addOption(option);
  return withExamples(
    command,
    `hawser send edge-1 --type com.example.greet.v1 --resource hello_1 --data '{"text":"Ahoy"}'`,
    "hawser send edge-1 --file event.json",
    "cat events.json | hawser send edge-1 --file -",
  );
}

async function sendEvent(context: CommandContext, agent: string, options: SendOptions): Promise<void> {
  const client = context.connect();
  const event = await eventsFrom(context, options);
  if (Array.isArray(event)) printBatch(context, agent, await client.publishBatch(agent, event));
  else printAccepted(context, agent, await client.publish(agent, event));
  // It is accepted by now, and must not look as if it were not: a second one would come of it.
  const addressee = await client.findAgent(agent).catch(() => undefined);
  if (addressee?.everConnected === false) warnNeverConnected(context.terminal, [agent]);
}

async function eventsFrom({ terminal, runtime }: CommandContext, options: SendOptions): Promise<unknown> {
  const { file } = options;
  const text = (path: string): Promise<string> => readText(terminal, path);
  try {
    if (file !== undefined) return parseEvents(await text(file), file);
    return await eventOf(options, {
      newId: () => runtime.random.uuid(),
      readText: text,
      warn: (line) => terminal.err(`hawser: ${line}`),
    });
  } catch (thrown) {
    if (thrown instanceof HawserError) throw usageError(thrown.message, { cause: thrown });
    throw thrown;
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
