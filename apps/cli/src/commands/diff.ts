import { isDeepStrictEqual } from "node:util";
import { Command } from "commander";
import { createTwoFilesPatch } from "diff";
import { z } from "zod";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES, QuietExit } from "../exit-codes.js";
import type { Resource } from "../api/schemas.js";
import { findPruned } from "../manifest/prune.js";
import { filesOf, readManifests } from "../manifest/read-manifests.js";
import { yamlText } from "../output/yaml-text.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { eachWithProgress } from "../output/progress.js";
import type { Style } from "../output/style.js";
import { waitText } from "../output/wait-text.js";
import { referenceOf } from "../resource-reference.js";

export interface Difference {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  /** `live`: the agent does not have it as it is wanted. */
  readonly change: "create" | "update" | "prune" | "live";
  /** Of `live`: how the agent has it. */
  readonly message?: string;
  /** The spec that is there; absent for `create`. */
  readonly from?: unknown;
  /** The spec of the file; absent for `prune`. */
  readonly to?: unknown;
}

interface DiffOptions {
  readonly live?: true;
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
    .option(
      "--live",
      "also what agents have otherwise than it is wanted: not delivered, or changed behind their backs",
    )
    .action((options: DiffOptions) => diff(context, options));
  return withExamples(
    command,
    "hawser diff -f examples/demo.yaml",
    "hawser diff -f site.yaml --prune -o json",
    "hawser diff -f site.yaml --live",
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
  const now = context.runtime.clock.wallTime();
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
      const message = options.live === true && resource !== undefined ? liveOf(resource, now) : undefined;
      if (message !== undefined) differences.push({ agent, kind, name, change: "live", message });
    },
  });
  if (options.prune !== true) return differences;
  for (const { agent, kind, name, spec } of await findPruned(client, manifests))
    differences.push({ agent, kind, name, change: "prune", from: spec });
  return differences;
}

const driftSchema = z.object({ state: z.literal("drifted"), drift: z.string().optional() });

/** How an agent has a resource otherwise than it is wanted; undefined where it does not, as far as it says. */
function liveOf(resource: Resource, now: number): string | undefined {
  const { state, version, observedVersion, status } = resource;
  if (state !== "delivered")
    return `${state}: ${waitText(resource, now) ?? `version ${version} is not with its agent`}`;
  if (observedVersion !== undefined && observedVersion !== version)
    return `the agent has told of version ${observedVersion} alone, and ${version} is wanted`;
  const drifted = driftSchema.safeParse(status);
  return drifted.success ? `drifted: ${drifted.data.drift ?? "not as it was made"}` : undefined;
}

/** Unified, as diff and git write it, over the specs as YAML with their keys in order. */
function patchOf(difference: Difference, style: Style): string {
  const reference = referenceOf(difference);
  if (difference.change === "live") return `${style.bold(reference)} ${style.bad(difference.message ?? "")}`;
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
