import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CommandContext } from "../command/command-context.js";
import { CommandError, usageError } from "../exit-codes.js";
import type { Terminal } from "../terminal.js";
import { fetchText } from "./fetch-text.js";
import { parseManifests, type Manifest } from "./parse-manifests.js";

/** What is read of a folder; other files may lie beside it. */
const MANIFEST_FILE = /\.(?:ya?ml|json)$/;

type Sources = Pick<CommandContext, "terminal" | "env">;

/**
 * Reads everything first, so that a broken file is found before anything was changed: files, `-` for standard input, folders with all that is below them, and addresses.
 *
 * @throws CommandError (usage)
 */
export async function readManifests(
  context: Sources,
  sources: readonly string[],
): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  const places = new Map<string, string>();
  const files = (await Promise.all(sources.map(filesBelow))).flat();
  for (const file of files) {
    for (const manifest of parseManifests(await textOf(context, file), file)) {
      const key = `${manifest.agent}/${manifest.kind}/${manifest.name}`;
      const before = places.get(key);
      if (before !== undefined)
        throw usageError(`${manifest.place}: ${key} stands in ${before} already; keep one of them`);
      places.set(key, manifest.place);
      manifests.push(manifest);
    }
  }
  if (manifests.length === 0) throw usageError(`${sources.join(", ")}: no manifest in there`);
  return manifests;
}

/** What `-f` names. Not a required option: whoever misspells another one is to hear of that. @throws CommandError (usage) */
export function filesOf(named: readonly string[] | undefined): readonly string[] {
  if (named === undefined) throw usageError("name the manifests with -f FILE; - reads standard input");
  return named;
}

const isAddress = (source: string): boolean => /^https?:\/\//.test(source);

function textOf({ terminal, env }: Sources, source: string): Promise<string> {
  return isAddress(source) ? fetchText(source, env, terminal.interrupted) : readText(terminal, source);
}

/** A folder stands for the manifests below it, in the order of their paths; hidden files and folders are left out. */
async function filesBelow(source: string): Promise<readonly string[]> {
  if (source === "-" || isAddress(source) || !(await isFolder(source))) return [source];
  try {
    const entries = await readdir(source, { withFileTypes: true });
    const shown = entries
      .filter(({ name }) => !name.startsWith("."))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    const below = shown.map(async (entry) => {
      const path = join(source, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return MANIFEST_FILE.test(entry.name) ? [path] : [];
    });
    return (await Promise.all(below)).flat();
  } catch (thrown) {
    throw thrown instanceof CommandError ? thrown : unreadable(source, thrown);
  }
}

/** What cannot be looked at is said where it is read. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** A file, or standard input for `-`. @throws CommandError (usage) */
export async function readText(terminal: Terminal, file: string): Promise<string> {
  if (file === "-") return terminal.readInput();
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function unreadable(file: string, thrown: unknown): CommandError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return usageError(`${file} cannot be read: ${reason}`, { cause: thrown });
}
