import { Command } from "commander";
import type { ApiClient } from "../api/api-client.js";
import type { Resource } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { durationOption } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES, usageError } from "../exit-codes.js";
import { readManifests } from "../manifest/read-manifests.js";
import { resourceColumns } from "../output/columns.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { eachWithProgress } from "../output/progress.js";
import { parseResource, referenceOf, type ResourceName } from "../resource-reference.js";
import { createCondition } from "../wait/conditions.js";
import { allAre, DEFAULT_WAIT_TIMEOUT_MS, waitFor } from "../wait/wait-for.js";

interface DeleteOptions {
  readonly file?: readonly string[];
  readonly wait?: true;
  readonly timeout: number;
  readonly dryRun?: true;
  readonly ignoreNotFound?: true;
}

interface Target extends ResourceName {
  /** When it is not there, it need not be deleted. */
  readonly mayBeGone: boolean;
}

export function deleteCommand(context: CommandContext): Command {
  const command = new Command("delete")
    .description("delete resources; each is gone once its agent acknowledged")
    .argument("[resource...]", "AGENT/KIND/NAME")
    .option(
      "-f, --file <path...>",
      "those in these manifests or folders of them, as far as they are there; - reads standard input",
    )
    .option("--wait", "until the agents acknowledged")
    .addOption(durationOption("--timeout <duration>", "of --wait, such as 90s", DEFAULT_WAIT_TIMEOUT_MS))
    .option("--ignore-not-found", "what is not there is deleted already")
    .option("--dry-run", "let the principal check everything and write nothing")
    .action((references: readonly string[], options: DeleteOptions) =>
      deleteResources(context, references, options),
    );
  return withExamples(
    command,
    "hawser delete edge-1/ConfigFile/motd",
    "hawser delete -f examples/demo.yaml --wait",
    "hawser delete edge-1/Task/clock --ignore-not-found",
    "hawser delete edge-1/Task/clock --dry-run",
  );
}

async function deleteResources(
  context: CommandContext,
  references: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const dryRun = options.dryRun === true;
  const mayBeGone = options.ignoreNotFound === true;
  const targets: Target[] = references.map((reference) => ({ ...parseResource(reference), mayBeGone }));
  for (const { agent, kind, name } of options.file === undefined
    ? []
    : await readManifests(context, options.file))
    targets.push({ agent, kind, name, mayBeGone: true });
  if (targets.length === 0) throw usageError("name what to delete as AGENT/KIND/NAME, or with -f");
  const client = context.connect();
  const deleted: Resource[] = [];
  try {
    await eachWithProgress(terminal, runtime.timers, {
      label: "deleting",
      items: targets,
      laneOf: ({ agent }) => agent,
      step: async (target) => ({ target, resource: await deleteOne(client, target, dryRun) }),
      tell({ target, resource }) {
        if (resource !== undefined) deleted.push(resource);
        if (!isForPeople(output)) return;
        if (resource === undefined) {
          terminal.out(`${referenceOf(target)} is not there`);
          return;
        }
        const what = dryRun ? "would be deleted (dry run)" : `delete accepted, version ${resource.version}`;
        terminal.out(`${referenceOf(resource)} ${what}`);
      },
    });
  } finally {
    if (!isForPeople(output))
      printList(terminal, output, deleted, resourceColumns(runtime.clock.wallTime()), "");
  }
  if (options.wait !== true || dryRun) return;
  const conditions = targets.map((target) =>
    createCondition({ client, clock: runtime.clock }, { scope: "resource", ...target }, "deleted"),
  );
  await waitFor(context, conditions, options.timeout);
  if (isForPeople(output)) terminal.out(allAre(conditions.length, "gone"));
}

/** Undefined when it is not there and need not be. */
async function deleteOne(
  client: ApiClient,
  { mayBeGone, ...target }: Target,
  dryRun: boolean,
): Promise<Resource | undefined> {
  try {
    return await client.delete(target, dryRun);
  } catch (thrown) {
    if (mayBeGone && thrown instanceof CommandError && thrown.exitCode === EXIT_CODES.notFound)
      return undefined;
    throw thrown;
  }
}
