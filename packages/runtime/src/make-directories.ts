import { mkdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a directory and what is missing above it, from the top down; answers the first one that was made, if any was.
 *
 * The recursive `mkdir` of Node asks again for ever where a directory is there and refuses what is to be made in it as if it were not, as those of /proc do.
 *
 * @throws what the system says of the one that could not be made
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

/** As `makeDirectoriesSync`, without holding anybody up. */
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

/** The path and all above it, the root first. */
function downTo(path: string): readonly string[] {
  const all = [resolve(path)];
  for (let [at = ""] = all; dirname(at) !== at; at = dirname(at)) all.unshift(dirname(at));
  return all;
}

/** Of what is above it is enough that it is there: what is made in something else than a directory fails with that as its reason. */
function isThere(each: string, path: string): boolean {
  try {
    const found = statSync(each);
    return each !== resolve(path) || found.isDirectory();
  } catch {
    return false;
  }
}
