import { defined } from "@hawser/runtime";
import { Command } from "commander";
import type { ApiClient } from "../api/api-client.js";
import type { Resource } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { parseCount } from "../command/count-option.js";
import { durationOption } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { DEFAULT_AT_ONCE } from "../concurrency/lanes.js";
import { CommandError, EXIT_CODES, QuietExit, usageError } from "../exit-codes.js";
import type { Manifest } from "../manifest/parse-manifests.js";
import { findPruned } from "../manifest/prune.js";
import { filesOf, readManifests } from "../manifest/read-manifests.js";
import { resourceColumns } from "../output/columns.js";
import { warnNeverConnected } from "../output/never-connected.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { eachWithProgress } from "../output/progress.js";
import { paintState } from "../output/style.js";
import { referenceOf } from "../resource-reference.js";
import { createCondition } from "../wait/conditions.js";
import { allAre, DEFAULT_WAIT_TIMEOUT_MS, waitFor } from "../wait/wait-for.js";

interface ApplyOptions {
  readonly file?: readonly string[];
  readonly wait?: true;
  readonly timeout: number;
  readonly dryRun?: true;
  readonly force?: true;
  readonly prune?: true;
  readonly yes?: true;
  readonly parallel: number;
}

export type AppliedResource = Resource & {
  readonly result: "created" | "updated" | "unchanged" | "pruned";
  readonly dryRun?: true;
};

export function applyCommand(context: CommandContext): Command {
  const command = new Command("apply")
    .description(
      "set the specs in files of YAML or JSON documents; nothing is applied unless all of them can be read",
    )
    .option(
      "-f, --file <path...>",
      "manifests, folders of them, or http(s) addresses; - reads standard input",
    )
    .option("--wait", "until the agents acknowledged")
    .addOption(durationOption("--timeout <duration>", "of --wait, such as 90s", DEFAULT_WAIT_TIMEOUT_MS))
    .option("--dry-run", "let the principal check everything and write nothing")
    .option("--force", "send specs that have not changed as well, so that agents apply them anew")
    .option("--prune", "delete resources of the agents and kinds in the files that the files no longer hold")
    .option("-y, --yes", "prune without asking; needed where nobody can be asked")
    .option(
      "--parallel <count>",
      "requests at once, of different agents; those of one agent keep the order of the files",
      parseCount,
      DEFAULT_AT_ONCE,
    )
    .action((options: ApplyOptions) => apply(context, options));
  return withExamples(
    command,
    "hawser apply -f examples/demo.yaml",
    "hawser apply -f agents/ops.yaml -f agents/web.yaml --wait --timeout 2m",
    "hawser apply -f site.yaml --prune --dry-run",
    "hawser apply -f site.yaml --force --wait",
    "cat site.yaml | hawser apply -f - --prune --yes",
  );
}

async function apply(context: CommandContext, options: ApplyOptions): Promise<void> {
  const { terminal, runtime } = context;
  const client = context.connect();
  const { output } = context.globals();
  const dryRun = options.dryRun === true;
  const manifests = await readManifests(context, filesOf(options.file));
  const pruned = options.prune === true ? await agreedPrune(context, client, manifests, options) : [];
  const applied: AppliedResource[] = [];
  const tell = (resource: AppliedResource): void => {
    applied.push(dryRun ? { ...resource, dryRun: true } : resource);
    if (!isForPeople(output)) return;
    const result = paintState(terminal.style, resource.result);
    terminal.out(
      `${referenceOf(resource)} ${result}${dryRun ? " (dry run)" : `, version ${resource.version}`}`,
    );
  };
  try {
    const atOnce = options.parallel;
    await eachWithProgress(terminal, runtime.timers, {
      label: "applying",
      atOnce,
      // The order of one agent's documents may matter to it.
      laneOf: ({ agent }) => agent,
      items: manifests,
      step: (manifest) => put(client, manifest, { dryRun, force: options.force === true }),
      tell: ({ resource, result }) => tell({ ...resource, result }),
    });
    await eachWithProgress(terminal, runtime.timers, {
      label: "pruning",
      atOnce,
      laneOf: ({ agent }) => agent,
      items: pruned,
      step: (resource) => client.delete(resource, dryRun),
      tell: (resource) => tell({ ...resource, result: "pruned" }),
    });
  } finally {
    warnNeverConnected(
      terminal,
      applied.filter(isForNobody).map(({ agent }) => agent),
    );
    // Also when one was refused: the ones before it are set.
    if (!isForPeople(output))
      printList(terminal, output, applied, resourceColumns(runtime.clock.wallTime()), "");
  }
  if (options.wait !== true || dryRun) return;
  const conditions = applied.map((resource) =>
    createCondition(
      { client, clock: runtime.clock },
      { scope: "resource", ...resource },
      resource.result === "pruned" ? "deleted" : "delivered",
    ),
  );
  await waitFor(context, conditions, options.timeout);
  if (isForPeople(output)) terminal.out(allAre(conditions.length, "delivered"));
}

function isForNobody({ waiting }: Resource): boolean {
  return waiting?.reason === "never_connected";
}

async function put(
  client: ApiClient,
  { agent, kind, name, spec, place }: Manifest,
  options: Parameters<ApiClient["put"]>[2],
): ReturnType<ApiClient["put"]> {
  try {
    return await client.put({ agent, kind, name }, spec, options);
  } catch (thrown) {
    if (!(thrown instanceof CommandError)) throw thrown;
    throw new CommandError(thrown.exitCode, `${place}: ${thrown.message}`, {
      cause: thrown,
      ...defined({ code: thrown.code }),
    });
  }
}

/** What is to be removed, said before anything is changed, and agreed to. */
async function agreedPrune(
  { terminal, globals }: CommandContext,
  client: ApiClient,
  manifests: readonly Manifest[],
  { yes, dryRun }: ApplyOptions,
): Promise<readonly Resource[]> {
  const pruned = await findPruned(client, manifests);
  if (pruned.length === 0 || dryRun === true) return pruned;
  terminal.err(`--prune will delete ${pruned.length}, which the files do not hold:`);
  for (const resource of pruned) terminal.err(`  ${referenceOf(resource)}`);
  if (yes === true) return pruned;
  if (!terminal.inIsTerminal || !terminal.errIsTerminal || !isForPeople(globals().output))
    throw usageError("nothing was changed: add --yes to agree, or --dry-run to look only");
  if (await terminal.confirm("Delete them?")) return pruned;
  terminal.err("nothing was changed");
  throw new QuietExit(EXIT_CODES.failed);
}
