import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";

/** For a new manifest and a new log, and so that the next write does not fail at once. */
const RESERVE_BYTES = 1_048_576;

/** Whether LevelDB has room to open: it writes its log into a table, and keeps both until then. */
export async function hasRoomToReopen(directory: string): Promise<boolean> {
  const names = await readdir(directory);
  const logs = names.filter((name) => name.endsWith(".log"));
  const sizes = await Promise.all(logs.map(async (name) => (await stat(join(directory, name))).size));
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize >= sizes.reduce((sum, size) => sum + size, RESERVE_BYTES);
}
