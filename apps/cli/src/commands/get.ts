import { Command, Option } from "commander";
import type { ApiClient } from "../api/api-client.js";
import type { Resource } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { runInLanes } from "../concurrency/lanes.js";
import { CommandError, EXIT_CODES, usageError } from "../exit-codes.js";
import { parseExtract, printExtract } from "../output/extract.js";
import { resourceColumns } from "../output/columns.js";
import { printList, printOne } from "../output/print.js";
import { parseReference, referenceOf, type ResourceReference } from "../resource-reference.js";

interface GetOptions {
  readonly kind?: string;
  readonly state?: string;
  readonly all?: true;
  readonly watch?: true;
}

interface Wanted {
  readonly kind?: string;
  readonly state?: string;
}

/** Of the API: what `--state` may ask for. */
const STATES = ["pending", "delivered", "refused", "purged", "deleting"];

export function getCommand(context: CommandContext): Command {
  const command = new Command("get")
    .description("show the resources of an agent, of all agents, or one")
    .argument("[reference]", "AGENT or AGENT/KIND/NAME")
    .option("-A, --all", "of all agents")
    .option("--kind <kind>", "of the resources of an agent, those of this kind")
    .addOption(
      new Option("--state <state>", "of the resources of an agent, those in this state").choices(STATES),
    )
    .option(
      "-w, --watch",
      "and then a line for each change, until Ctrl-C; goes on over a restart of the principal",
    )
    .action((reference: string | undefined, options: GetOptions) => get(context, reference, options));
  return withExamples(
    command,
    "hawser get edge-1",
    "hawser get edge-1 --kind Task --state pending",
    "hawser get --all --state refused",
    "hawser get edge-1/ConfigFile/motd --output yaml",
    "hawser get edge-1 --watch",
    "hawser get --all --state refused --output name",
    "hawser get edge-1/Task/clock --output jsonpath={.status.state}",
    "hawser get edge-1/ConfigFile/motd --output manifest > motd.yaml",
  );
}

async function get(
  context: CommandContext,
  reference: string | undefined,
  { all, watch, ...wanted }: GetOptions,
): Promise<void> {
  const target = targetOf(reference, all === true);
  const named = context.extract();
  if (watch === true) {
    if (named !== undefined)
      throw usageError(
        `--output ${named} and --watch do not go together; the lines of jsonl have everything`,
      );
    const { printResourceChanges } = await import("../watch/print-resource-changes.js");
    if (target?.scope === "agent") await assertKnown(context.connect(), target.agent);
    await printResourceChanges(context, context.globals().output, { target, ...wanted });
    return;
  }
  const extract = named === undefined ? undefined : parseExtract(named);
  const found = await find(context.connect(), target, wanted);
  if (extract !== undefined) printExtract(context.terminal, extract, found, EXTRACTABLE);
  else print(context, found, target);
}

const EXTRACTABLE = { nameOf: referenceOf, specOf: (resource: Resource): Resource => resource };

/** Undefined: all agents. @throws CommandError (usage) */
function targetOf(reference: string | undefined, all: boolean): ResourceReference | undefined {
  if (all && reference !== undefined)
    throw usageError(`--all and '${reference}' are two things to show; give one`);
  if (all) return undefined;
  if (reference !== undefined) return parseReference(reference);
  throw usageError("name what to show as AGENT or AGENT/KIND/NAME, or all of it with --all");
}

type Found = { readonly list: readonly Resource[] } | { readonly one: Resource };

async function find(
  client: ApiClient,
  target: ResourceReference | undefined,
  wanted: Wanted,
): Promise<Found> {
  if (target === undefined) return { list: await resourcesOfAll(client, wanted) };
  if (target.scope === "resource") return { one: await client.get(target) };
  const list = await client.list(target.agent, wanted);
  if (list.length === 0) await assertKnown(client, target.agent);
  return { list };
}

function print(
  { terminal, runtime, globals }: CommandContext,
  found: Found,
  target: ResourceReference | undefined,
): void {
  const { output } = globals();
  const columns = resourceColumns(runtime.clock.wallTime());
  if ("one" in found) printOne(terminal, output, found.one, columns);
  else {
    const whenEmpty = target === undefined ? "no resources" : `no resources for agent ${target.agent}`;
    printList(terminal, output, found.list, columns, whenEmpty);
  }
}

/** Those of every agent, in the order of the agents' names. */
export async function resourcesOfAll(client: ApiClient, wanted: Wanted): Promise<readonly Resource[]> {
  const names = (await client.agents()).map(({ name }) => name);
  const found: (readonly Resource[])[] = [];
  const [failure] = await runInLanes(names, { laneOf: (name) => name }, async (name, n) => {
    found[n] = await client.list(name, wanted);
  });
  if (failure !== undefined) throw failure.thrown;
  return found.flat();
}

/** An empty answer about a name that nobody has is a misspelt name. @throws CommandError `notFound` */
export async function assertKnown(client: ApiClient, agent: string): Promise<void> {
  if ((await client.findAgent(agent)) !== undefined) return;
  throw new CommandError(
    EXIT_CODES.notFound,
    `there is no agent '${agent}' here, and nothing was sent to that name; 'hawser agents' lists those there are`,
  );
}
