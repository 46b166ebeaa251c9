import { Command } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { durationOption } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { usageError } from "../exit-codes.js";
import { readManifests } from "../manifest/read-manifests.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { parseReference, type ResourceReference } from "../resource-reference.js";
import { createCondition } from "../wait/conditions.js";
import { DEFAULT_WAIT_TIMEOUT_MS, waitFor } from "../wait/wait-for.js";

interface WaitOptions {
  readonly for?: string;
  readonly file?: readonly string[];
  readonly timeout: number;
}

export function waitCommand(context: CommandContext): Command {
  const command = new Command("wait")
    .description(
      "wait for agents or resources, and say what for; ends with 6 and what was missing when the time is over",
    )
    .argument("[reference...]", "AGENT or AGENT/KIND/NAME")
    .option("-f, --file <path...>", "the resources in these manifests, or folders of them")
    .option(
      "--for <condition>",
      "resources: delivered (default), observed, deleted, status.FIELD=VALUE; agents: connected (default), idle",
    )
    .addOption(durationOption("--timeout <duration>", "such as 90s", DEFAULT_WAIT_TIMEOUT_MS))
    .action((references: readonly string[], options: WaitOptions) => wait(context, references, options));
  return withExamples(
    command,
    "hawser wait edge-1 --timeout 2m",
    "hawser wait edge-1/ConfigFile/motd",
    "hawser wait edge-1/Task/clock --for status.state=running",
    "hawser wait -f examples/demo.yaml --for observed",
  );
}

async function wait(
  context: CommandContext,
  references: readonly string[],
  options: WaitOptions,
): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const targets: ResourceReference[] = references.map(parseReference);
  for (const { agent, kind, name } of options.file === undefined
    ? []
    : await readManifests(context, options.file))
    targets.push({ scope: "resource", agent, kind, name });
  if (targets.length === 0) throw usageError("name what to wait for as AGENT or AGENT/KIND/NAME, or with -f");
  const client = context.connect();
  const conditions = targets.map((target) =>
    createCondition({ client, clock: runtime.clock }, target, options.for),
  );
  await waitFor(context, conditions, options.timeout);
  if (isForPeople(output)) for (const { reference } of conditions) terminal.out(`${reference} is there`);
  else
    printList(
      terminal,
      output,
      conditions.map(({ reference, text }) => ({ reference, condition: text })),
      [],
      "",
    );
}
