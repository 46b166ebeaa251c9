// Brings the versions that sources state, and the workspace's own, to that of the packages; after 'changeset version', which only knows package.json.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publishedPackages, ROOT } from "./packages/workspace.mjs";

const packages = publishedPackages();
const versions = new Set(packages.map(({ manifest }) => manifest.version));
const [version] = versions;
if (versions.size !== 1)
  throw new Error(`All packages have one version; these have ${[...versions].join(", ")}`);

function rewrite(file, pattern, text) {
  writeFileSync(file, readFileSync(file, "utf8").replace(pattern, text));
}

rewrite(join(ROOT, "package.json"), /"version": ".*"/, `"version": "${version}"`);
for (const { folder } of packages) {
  const file = join(folder, "src", "version.ts");
  if (existsSync(file)) rewrite(file, /\bconst VERSION = ".*"/, `const VERSION = "${version}"`);
}
console.log(`write-versions: ${version}`);
