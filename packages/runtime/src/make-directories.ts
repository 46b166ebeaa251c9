import { mkdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a directory and its missing parents, and returns the first new one. Node's recursive
 * `mkdir` loops forever where an existing directory reports its children as missing, as in /proc.
 * @throws the system's error for the directory that could not be made
 */
export function makeDirectoriesSync(path: string, mode?: number): string | undefined {
  let first: string | undefined;
  for (const each of downTo(path)) {
    try {
      mkdirSync(each, { mode });
      first ??= each;
    } catch (thrown) {
      if (!isThere(each, path)) throw thrown;
    }
  }
  return first;
}

/** As `makeDirectoriesSync`, without blocking. */
export async function makeDirectories(path: string, mode?: number): Promise<string | undefined> {
  let first: string | undefined;
  for (const each of downTo(path)) {
    try {
      await mkdir(each, { mode });
      first ??= each;
    } catch (thrown) {
      if (!isThere(each, path)) throw thrown;
    }
  }
  return first;
}

/** The path and its parents, the root first. */
function downTo(path: string): readonly string[] {
  const all = [resolve(path)];
  for (let [at = ""] = all; dirname(at) !== at; at = dirname(at)) all.unshift(dirname(at));
  return all;
}

/** A parent only has to exist: if it is no directory, making its child reports that. */
function isThere(each: string, path: string): boolean {
  try {
    const found = statSync(each);
    return each !== resolve(path) || found.isDirectory();
  } catch {
    return false;
  }
}
