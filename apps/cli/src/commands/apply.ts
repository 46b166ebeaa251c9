import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { ApiClient } from "../api-client.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { parseManifests, type Manifest } from "../manifest.js";
import { printList, type OutputFormat } from "../output.js";
import type { Terminal } from "../terminal.js";
import { resourceColumns } from "./columns.js";

/** Reads all files first, so that a broken one is found before anything was changed; then applies in order. */
export async function apply(
  client: ApiClient,
  terminal: Terminal,
  files: readonly string[],
  format: OutputFormat,
): Promise<void> {
  const manifests: Manifest[] = [];
  for (const file of files) manifests.push(...parseManifests(await readManifest(file), file));
  if (manifests.length === 0)
    throw new CommandError(EXIT_CODES.usage, `${files.join(", ")}: no manifest in there`);
  const applied = [];
  for (const { agent, kind, name, spec, place } of manifests) {
    try {
      const { resource, created } = await client.put(agent, kind, name, spec);
      applied.push(resource);
      if (format === "table")
        terminal.out(
          `${agent}/${kind}/${name} ${created ? "created" : "accepted"}, version ${resource.version}`,
        );
    } catch (thrown) {
      if (thrown instanceof CommandError)
        throw new CommandError(thrown.exitCode, `${place}: ${thrown.message}`, { cause: thrown });
      throw thrown;
    }
  }
  if (format !== "table") printList(terminal, format, applied, resourceColumns, "");
}

async function readManifest(file: string): Promise<string> {
  if (file === "-") return text(process.stdin);
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CommandError(EXIT_CODES.usage, `${file} cannot be read: ${reason}`, { cause: thrown });
  }
}
