// Removes what native packages ship for other platforms than this one: most of their size, and of no use in an image.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const [root] = process.argv.slice(2);
if (root === undefined) {
  console.error("usage: prune-prebuilds.mjs <directory>");
  process.exit(2);
}
const keep = `${process.platform}-${process.arch}`;

function visit(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(directory, entry.name);
    if (entry.name !== "prebuilds") {
      visit(path);
      continue;
    }
    for (const name of readdirSync(path)) {
      // Names are platform-arch, with several architectures joined by a plus.
      const [platform, arches = ""] = name.split("-");
      const ours = `${platform}` === process.platform && arches.split("+").includes(process.arch);
      if (!ours && statSync(join(path, name)).isDirectory()) rmSync(join(path, name), { recursive: true });
    }
  }
}

visit(root);
console.log(`prune-prebuilds: kept ${keep}`);
