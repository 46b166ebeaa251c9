import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { defined } from "@hawser/runtime";
import { Command } from "commander";
import type { Resource } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES, usageError } from "../exit-codes.js";
import { parseManifests } from "../manifest/parse-manifests.js";
import { resourceColumns } from "../output/columns.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { paintState } from "../output/style.js";
import { yamlText } from "../output/yaml-text.js";
import { parseResource, referenceOf, type ResourceName } from "../resource-reference.js";

const DEFAULT_EDITOR = "vi";

export function editCommand(context: CommandContext): Command {
  const command = new Command("edit")
    .description(
      "change the spec of a resource in an editor ($VISUAL, $EDITOR or vi); it is applied only if nobody changed it meanwhile",
    )
    .argument("<resource>", "AGENT/KIND/NAME")
    .action((reference: string) => edit(context, parseResource(reference)));
  return withExamples(
    command,
    "hawser edit edge-1/ConfigFile/motd",
    "EDITOR='code --wait' hawser edit edge-1/Task/clock",
  );
}

async function edit(context: CommandContext, target: ResourceName): Promise<void> {
  const client = context.connect();
  const before = await client.get(target);
  if (before.state === "deleting")
    throw new CommandError(
      EXIT_CODES.conflict,
      `${referenceOf(target)} is being deleted; apply it to have it again`,
    );
  // A spec may hold secrets: the folder is for its owner alone.
  const file = join(await mkdtemp(join(tmpdir(), "hawser-edit-")), `${target.kind}-${target.name}.yaml`);
  await writeFile(file, textOf(before), { mode: 0o600 });
  try {
    await runEditor(context, file);
    const spec = specOf(await readFile(file, "utf8"), file, target);
    const isUnchanged = spec === undefined || isDeepStrictEqual(spec.value, before.spec);
    print(
      context,
      isUnchanged ? { resource: before, result: "unchanged" } : await client.replace(before, spec.value),
    );
  } catch (thrown) {
    throw kept(thrown, file);
  }
  await rm(dirname(file), { recursive: true });
}

function textOf(resource: Resource): string {
  const { agent, kind, name, spec, version } = resource;
  return `# Change the spec, save, and leave the editor. A file that is unchanged, or empty, applies nothing. This was version ${version}.
${yamlText({ agent, kind, name, spec })}
`;
}

/** @throws CommandError (failed) when it ends with anything but 0 */
async function runEditor({ env, terminal }: CommandContext, file: string): Promise<void> {
  const editor = env.VISUAL || env.EDITOR || DEFAULT_EDITOR;
  const code = await terminal.runEditor(editor, file);
  if (code === 0) return;
  throw new CommandError(
    EXIT_CODES.failed,
    `the editor '${editor}' ended with ${code ?? "a signal"}, so nothing was applied`,
  );
}

/** Undefined when nothing is left in the file. @throws CommandError (usage) */
function specOf(text: string, file: string, target: ResourceName): { readonly value: unknown } | undefined {
  const [manifest, ...others] = parseManifests(text, file);
  if (manifest === undefined) return undefined;
  if (others.length === 0 && referenceOf(manifest) === referenceOf(target)) return { value: manifest.spec };
  throw usageError(
    `${manifest.place}: only the spec of ${referenceOf(target)} can be edited; apply other resources`,
  );
}

/** What somebody typed is not thrown away with what refused it. */
function kept(thrown: unknown, file: string): CommandError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const { exitCode, code } =
    thrown instanceof CommandError ? thrown : { exitCode: EXIT_CODES.failed, code: undefined };
  return new CommandError(
    exitCode,
    `${message}\nWhat you wrote is kept; mend it, and then: hawser apply -f ${file}`,
    { cause: thrown, ...defined({ code }) },
  );
}

function print(
  { terminal, runtime, globals }: CommandContext,
  { resource, result }: { readonly resource: Resource; readonly result: string },
): void {
  const { output } = globals();
  if (isForPeople(output))
    terminal.out(
      `${referenceOf(resource)} ${paintState(terminal.style, result)}, version ${resource.version}`,
    );
  else printList(terminal, output, [{ ...resource, result }], resourceColumns(runtime.clock.wallTime()), "");
}
