import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Everything below a folder, a folder before what is in it. Links are told and not followed, which `readdir` with `recursive` does in some releases of Node.
 * @returns {{ path: string, name: string, entry: import("node:fs").Dirent }[]}
 * @param {string} folder
 */
export function entriesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const found = { path, name: entry.name, entry };
    return entry.isDirectory() ? [found, ...entriesBelow(path)] : [found];
  });
}
