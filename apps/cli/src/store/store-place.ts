import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

/** Why the store in a directory is not to be touched; undefined when it may be. */
export function wrongStorePlace(directory: string): { detail: string; fix: string } | undefined {
  if (!existsSync(join(directory, "rows", "CURRENT")))
    return {
      detail: "holds no store",
      fix: "name the data directory of a principal, or the folder store in that of an agent",
    };
  // A store is written to a little whenever it is opened. In files of another user its service could then not go on.
  const owner = statSync(directory).uid;
  if (owner === process.getuid?.()) return undefined;
  return { detail: "belongs to another user", fix: `run this as its owner: sudo -u '#${owner}' hawser ...` };
}
