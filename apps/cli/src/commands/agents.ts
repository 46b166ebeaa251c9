import { Command, Option } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { agentColumns } from "../output/columns.js";
import { printList } from "../output/print.js";

interface AgentsOptions {
  readonly state?: string;
  readonly name?: string;
  readonly sort?: string;
  readonly order?: string;
}

export function agentsCommand(context: CommandContext): Command {
  const command = new Command("agents")
    .description("show agents and their sessions")
    .addOption(new Option("--state <state>", "those in this state").choices(["connected", "disconnected"]))
    .option("--name <prefix>", "those whose names begin so")
    .addOption(new Option("--sort <field>", "by what").choices(["name", "pending", "lastSeenAt"]))
    .addOption(new Option("--order <order>", "of the sort").choices(["asc", "desc"]))
    .action((options: AgentsOptions) => agents(context, options));
  return withExamples(
    command,
    "hawser agents",
    "hawser agents --state disconnected --output wide",
    "hawser agents --sort pending --order desc --output json",
  );
}

async function agents(context: CommandContext, options: AgentsOptions): Promise<void> {
  const found = await context.connect().agents(options);
  const filtered = options.state !== undefined || options.name !== undefined;
  const whenEmpty = filtered
    ? "no agents like that"
    : "no agents yet; start one, or apply a manifest for one";
  printList(context.terminal, context.globals().output, found, agentColumns, whenEmpty);
}
