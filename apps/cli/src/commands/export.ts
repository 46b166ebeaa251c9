import { Command } from "commander";
import type { Resource } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { printManifests } from "../output/manifests.js";
import { assertKnown, resourcesOfAll } from "./get.js";

interface ExportOptions {
  readonly kind?: string;
}

export function exportCommand(context: CommandContext): Command {
  const command = new Command("export")
    .description("print the specs as manifests that apply takes back: of some agents, or of all")
    .argument("[agent...]")
    .option("--kind <kind>", "those of this kind")
    .action((agents: readonly string[], options: ExportOptions) => exportManifests(context, agents, options));
  return withExamples(
    command,
    "hawser export > fleet.yaml",
    "hawser export edge-1 edge-2 --kind ConfigFile",
    "hawser export edge-1 --output json | hawser apply -f -",
  );
}

async function exportManifests(
  context: CommandContext,
  agents: readonly string[],
  options: ExportOptions,
): Promise<void> {
  const { terminal } = context;
  const { output } = context.globals();
  const client = context.connect();
  const found: Resource[] = [];
  for (const agent of agents) {
    const resources = await client.list(agent, options);
    if (resources.length === 0) await assertKnown(client, agent);
    found.push(...resources);
  }
  if (agents.length === 0) found.push(...(await resourcesOfAll(client, options)));
  printManifests(terminal, output, found);
}
