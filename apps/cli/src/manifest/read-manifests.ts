import { readFile } from "node:fs/promises";
import { usageError } from "../exit-codes.js";
import type { Terminal } from "../terminal.js";
import { parseManifests, type Manifest } from "./parse-manifests.js";

/** Reads all files first, so that a broken one is found before anything was changed. @throws CommandError (usage) */
export async function readManifests(
  terminal: Terminal,
  files: readonly string[],
): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  const places = new Map<string, string>();
  for (const file of files) {
    for (const manifest of parseManifests(await readText(terminal, file), file)) {
      const key = `${manifest.agent}/${manifest.kind}/${manifest.name}`;
      const before = places.get(key);
      if (before !== undefined)
        throw usageError(`${manifest.place}: ${key} stands in ${before} already; keep one of them`);
      places.set(key, manifest.place);
      manifests.push(manifest);
    }
  }
  if (manifests.length === 0) throw usageError(`${files.join(", ")}: no manifest in there`);
  return manifests;
}

/** A file, or standard input for `-`. @throws CommandError (usage) */
export async function readText(terminal: Terminal, file: string): Promise<string> {
  if (file === "-") return terminal.readInput();
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw usageError(`${file} cannot be read: ${reason}`, { cause: thrown });
  }
}
