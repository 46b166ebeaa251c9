import { Command } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { resourceColumns } from "../output/columns.js";
import { printList, printOne } from "../output/print.js";
import { parseReference } from "../resource-reference.js";

interface GetOptions {
  readonly kind?: string;
  readonly state?: string;
}

export function getCommand(context: CommandContext): Command {
  const command = new Command("get")
    .description("show the resources of an agent, or one")
    .argument("<reference>", "AGENT or AGENT/KIND/NAME")
    .option("--kind <kind>", "of the resources of an agent, those of this kind")
    .option("--state <state>", "of the resources of an agent, those pending, delivered, refused or deleting")
    .action((reference: string, options: GetOptions) => get(context, reference, options));
  return withExamples(
    command,
    "hawser get edge-1",
    "hawser get edge-1 --kind Task --state pending",
    "hawser get edge-1/ConfigFile/motd --output yaml",
  );
}

async function get(context: CommandContext, reference: string, { kind, state }: GetOptions): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const target = parseReference(reference);
  const client = context.connect();
  if (target.scope === "resource") {
    printOne(terminal, output, await client.get(target), resourceColumns(runtime.clock.wallTime()));
    return;
  }
  const query = { ...(kind === undefined ? {} : { kind }), ...(state === undefined ? {} : { state }) };
  const resources = await client.list(target.agent, query);
  printList(
    terminal,
    output,
    resources,
    resourceColumns(runtime.clock.wallTime()),
    `no resources for agent ${target.agent}`,
  );
}
