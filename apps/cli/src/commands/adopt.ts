import { Command } from "commander";
import { systemRandom } from "@hawser/runtime";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { usageError } from "../exit-codes.js";
import { isForPeople } from "../output/output-format.js";
import { printObject } from "../output/print.js";
import { storePlace } from "../store/store-place.js";

export function adoptCommand(context: CommandContext): Command {
  const command = new Command("adopt")
    .description(
      "make an older copy of a store, such as a backup that was put back, fit to be started on; its service must be stopped",
    )
    .argument("<directory>", "the data directory of a principal or of an agent")
    .action((directory: string) => adopt(context, directory));
  return withExamples(command, "hawser adopt /var/lib/hawser", "hawser adopt .hawser/agent-edge-1");
}

async function adopt({ terminal, globals }: CommandContext, given: string): Promise<void> {
  const place = storePlace(given);
  if (place.kind === "wrong") throw usageError(`${given} ${place.detail}; ${place.fix}`);
  const { directory } = place;
  const { adoptRolledBackStore } = await import("@hawser/store");
  const { createJournalDisk } = await import("@hawser/store-journal");
  const { id } = await adoptRolledBackStore(createJournalDisk(directory), systemRandom);
  const { output } = globals();
  if (!isForPeople(output)) printObject(terminal, output, { directory, store: id });
  else
    terminal.out(
      `${directory} is a store of its own now. Start its service: peers begin anew with it, and hear all its resources again.`,
    );
}
