import { Command, Option } from "commander";
import type { ApiClient } from "../api/api-client.js";
import type { Resource } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { runInLanes } from "../concurrency/lanes.js";
import { CommandError, EXIT_CODES, usageError } from "../exit-codes.js";
import { resourceColumns } from "../output/columns.js";
import { printList, printOne } from "../output/print.js";
import { parseReference } from "../resource-reference.js";

interface GetOptions {
  readonly kind?: string;
  readonly state?: string;
  readonly all?: true;
}

interface Wanted {
  readonly kind?: string;
  readonly state?: string;
}

/** Of the API: what `--state` may ask for. */
const STATES = ["pending", "delivered", "refused", "deleting"];

export function getCommand(context: CommandContext): Command {
  const command = new Command("get")
    .description("show the resources of an agent, of all agents, or one")
    .argument("[reference]", "AGENT or AGENT/KIND/NAME")
    .option("-A, --all", "of all agents")
    .option("--kind <kind>", "of the resources of an agent, those of this kind")
    .addOption(
      new Option("--state <state>", "of the resources of an agent, those in this state").choices(STATES),
    )
    .action((reference: string | undefined, options: GetOptions) => get(context, reference, options));
  return withExamples(
    command,
    "hawser get edge-1",
    "hawser get edge-1 --kind Task --state pending",
    "hawser get --all --state refused",
    "hawser get edge-1/ConfigFile/motd --output yaml",
  );
}

async function get(
  context: CommandContext,
  reference: string | undefined,
  { all, ...wanted }: GetOptions,
): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const columns = resourceColumns(runtime.clock.wallTime());
  const client = context.connect();
  if (all === true) {
    if (reference !== undefined)
      throw usageError(`--all and '${reference}' are two things to show; give one`);
    printList(terminal, output, await resourcesOfAll(client, wanted), columns, "no resources");
    return;
  }
  if (reference === undefined)
    throw usageError("name what to show as AGENT or AGENT/KIND/NAME, or all of it with --all");
  const target = parseReference(reference);
  if (target.scope === "resource") {
    printOne(terminal, output, await client.get(target), columns);
    return;
  }
  const resources = await client.list(target.agent, wanted);
  if (resources.length === 0) await assertKnown(client, target.agent);
  printList(terminal, output, resources, columns, `no resources for agent ${target.agent}`);
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
