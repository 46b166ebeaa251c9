import { closeSync, fsyncSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { HawserError, thrownText } from "@hawser/protocol";
import { makeDirectoriesSync } from "@hawser/runtime";

/**
 * Makes the directory if needed, writes and syncs a file in it, and removes both again.
 * @param what its name in the error, such as `--data-dir ./principal`
 * @throws HawserError `store_unavailable` with the reason and advice
 */
export function tryDirectory(directory: string, what: string): void {
  const path = resolve(directory);
  let firstMade: string | undefined;
  try {
    firstMade = makeDirectoriesSync(path, 0o700);
    writeAndRemove(join(path, `.hawser-check.${process.pid}`));
  } catch (cause) {
    const reason = thrownText(cause);
    throw new HawserError(
      "store_unavailable",
      `${what} cannot be written: ${reason}; make it writable for this user, or choose another directory`,
      { cause },
    );
  } finally {
    if (firstMade !== undefined) removeEmpty(path, firstMade);
  }
}

function writeAndRemove(path: string): void {
  try {
    const file = openSync(path, "wx", 0o600);
    try {
      writeSync(file, "written by --check, to be removed at once\n");
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } finally {
    rmSync(path, { force: true });
  }
}

/** Removes the new directories, the innermost first; one that is no longer empty stays. */
function removeEmpty(path: string, firstMade: string): void {
  for (let each = path; each.startsWith(firstMade); each = dirname(each)) {
    try {
      rmdirSync(each);
    } catch {
      return;
    }
  }
}
