import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { rowsDirectory } from "./journal-disk.js";
import { createJournalStore } from "./journal-store.js";

/**
 * What became of a try to open a store: there is none, it opened and was closed again, another
 * process has it, or it was left alone because its files belong to another user (opening writes a
 * little, and the owner's service could not go on with files of somebody else).
 */
export type StoreTrial = "absent" | "good" | "in use" | "of another user";

/**
 * Whether a start could open the store in a directory, for checks before it. It creates nothing,
 * and leaves the contents as they are.
 *
 * @throws HawserError `store_corrupt`, `store_full` or `store_unavailable`, as the start would
 */
export async function tryJournalStore(directory: string): Promise<StoreTrial> {
  const isThere = [directory, rowsDirectory(directory)].some((each) => existsSync(join(each, "CURRENT")));
  if (!isThere) return "absent";
  if (process.getuid !== undefined && statSync(directory).uid !== process.getuid()) return "of another user";
  const store = createJournalStore({ directory });
  try {
    await store.start();
  } catch (thrown) {
    if (isLocked(thrown)) return "in use";
    throw thrown;
  }
  await store.stop();
  return "good";
}

/** LevelDB says so in the code of an error somewhere below ours. */
function isLocked(thrown: unknown): boolean {
  for (let each = thrown; each instanceof Error; each = each.cause)
    if ("code" in each && each.code === "LEVEL_LOCKED") return true;
  return false;
}
