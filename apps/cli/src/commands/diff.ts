import { isDeepStrictEqual } from "node:util";
import { Command } from "commander";
import { createTwoFilesPatch } from "diff";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES, QuietExit } from "../exit-codes.js";
import { findPruned } from "../manifest/prune.js";
import { filesOf, readManifests } from "../manifest/read-manifests.js";
import { yamlText } from "../output/yaml-text.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { eachWithProgress } from "../output/progress.js";
import type { Style } from "../output/style.js";
import { referenceOf } from "../resource-reference.js";

export interface Difference {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  readonly change: "create" | "update" | "prune";
  /** The spec that is there; absent for `create`. */
  readonly from?: unknown;
  /** The spec of the file; absent for `prune`. */
  readonly to?: unknown;
}

interface DiffOptions {
  readonly file?: readonly string[];
  readonly prune?: true;
}

export function diffCommand(context: CommandContext): Command {
  const command = new Command("diff")
    .description(
      "show what apply would change; ends with 0 when nothing, 1 when something, above 1 when it cannot tell",
    )
    .option(
      "-f, --file <path...>",
      "manifests, folders of them, or http(s) addresses; - reads standard input",
    )
    .option("--prune", "as apply --prune would")
    .action((options: DiffOptions) => diff(context, options));
  return withExamples(
    command,
    "hawser diff -f examples/demo.yaml",
    "hawser diff -f site.yaml --prune -o json",
  );
}

async function diff(context: CommandContext, options: DiffOptions): Promise<void> {
  const { terminal } = context;
  const { output } = context.globals();
  let differences: readonly Difference[];
  try {
    differences = await compare(context, options);
  } catch (thrown) {
    // 1 means different: a failure must not look like one.
    if (!(thrown instanceof CommandError) || thrown.exitCode !== EXIT_CODES.failed) throw thrown;
    throw new CommandError(EXIT_CODES.notCompared, thrown.message, { cause: thrown });
  }
  if (isForPeople(output))
    for (const difference of differences) terminal.out(patchOf(difference, terminal.style));
  else printList(terminal, output, differences, [], "");
  if (differences.length > 0) throw new QuietExit(EXIT_CODES.failed);
}

async function compare(context: CommandContext, options: DiffOptions): Promise<readonly Difference[]> {
  const client = context.connect();
  const manifests = await readManifests(context, filesOf(options.file));
  const differences: Difference[] = [];
  await eachWithProgress(context.terminal, context.runtime.timers, {
    label: "comparing",
    items: manifests,
    laneOf: (_manifest, index) => index,
    step: async (manifest) => ({ manifest, resource: await client.find(manifest) }),
    tell({ manifest: { agent, kind, name, spec }, resource }) {
      if (resource === undefined || resource.state === "deleting")
        differences.push({ agent, kind, name, change: "create", to: spec });
      else if (!isDeepStrictEqual(resource.spec, spec))
        differences.push({ agent, kind, name, change: "update", from: resource.spec, to: spec });
    },
  });
  if (options.prune !== true) return differences;
  for (const { agent, kind, name, spec } of await findPruned(client, manifests))
    differences.push({ agent, kind, name, change: "prune", from: spec });
  return differences;
}

/** Unified, as diff and git write it, over the specs as YAML with their keys in order. */
function patchOf(difference: Difference, style: Style): string {
  const reference = referenceOf(difference);
  const text = (spec: unknown): string =>
    spec === undefined ? "" : `${yamlText(spec, { sortMapEntries: true })}\n`;
  const from = difference.from === undefined ? "/dev/null" : `principal/${reference}`;
  const to = difference.to === undefined ? "/dev/null" : `file/${reference}`;
  const patch = createTwoFilesPatch(
    from,
    to,
    text(difference.from),
    text(difference.to),
    undefined,
    undefined,
    {
      context: 3,
    },
  );
  return patch
    .trimEnd()
    .split("\n")
    .filter((line) => !/^=+$/.test(line))
    .map((line) => paintLine(line, style))
    .join("\n");
}

function paintLine(line: string, style: Style): string {
  if (line.startsWith("---") || line.startsWith("+++")) return style.bold(line);
  if (line.startsWith("@@")) return style.accent(line);
  if (line.startsWith("+")) return style.good(line);
  return line.startsWith("-") ? style.bad(line) : line;
}
