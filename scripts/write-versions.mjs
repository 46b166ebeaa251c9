// Brings the versions that sources state, and the workspace's own, to that of the packages; after 'changeset version', which only knows package.json.
// And writes into each package where it comes from, as soon as the workspace says so.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryOf } from "./packages/publish-rules.mjs";
import { directoryOf, publishedPackages, readJson, ROOT } from "./packages/workspace.mjs";

const packages = publishedPackages();
const versions = new Set(packages.map(({ manifest }) => manifest.version));
const [version] = versions;
if (versions.size !== 1)
  throw new Error(`All packages have one version; these have ${[...versions].join(", ")}`);

/** @param {string} file @param {RegExp} pattern @param {string} text */
function rewrite(file, pattern, text) {
  writeFileSync(file, readFileSync(file, "utf8").replace(pattern, text));
}

rewrite(join(ROOT, "package.json"), /"version": ".*"/, `"version": "${version}"`);
const workspace = readJson(join(ROOT, "package.json"));
for (const found of packages) {
  const { folder, manifest } = found;
  const repository = repositoryOf(workspace, directoryOf(found));
  if (repository !== undefined)
    writeFileSync(
      join(folder, "package.json"),
      `${JSON.stringify({ ...manifest, repository }, undefined, 2)}\n`,
    );
  const file = join(folder, "src", "version.ts");
  if (existsSync(file)) rewrite(file, /\bconst VERSION = ".*"/, `const VERSION = "${version}"`);
}
console.log(`write-versions: ${version}`);
