// Finishes what 'pnpm deploy' laid out, one folder for each app, into what goes into its image: <folder>/app without what Node never reads and for one platform,
// and <folder>/sbom with the document of what is in it. The same sources make the same bytes.
import { chmodSync, lstatSync, lutimesSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { neededPackages } from "./images/installed-packages.mjs";
import { licenceComplaints } from "./images/licences.mjs";
import { nativeComplaints, parsePlatform, pruneNativeModules } from "./images/native-modules.mjs";
import { sbomOf } from "./images/sbom.mjs";
import { stripPackages } from "./images/strip-packages.mjs";

const { values, positionals } = parseArgs({
  options: {
    platform: { type: "string", default: "linux/amd64" },
    epoch: { type: "string", default: "0" },
  },
  allowPositionals: true,
});
const [out] = positionals;
if (out === undefined || !/^\d+$/.test(values.epoch)) {
  console.error("usage: lay-out-images.mjs <folder> [--platform linux/amd64|linux/arm64] [--epoch SECONDS]");
  process.exit(2);
}
const platform = parsePlatform(values.platform);

/** Every file gets one time, and may be read by all and written by its owner alone: a layer tells neither when nor under which umask it was made. @param {string} path @param {Pick<import("node:fs").Dirent, "isDirectory" | "isSymbolicLink">} entry */
function normalize(path, entry) {
  if (entry.isDirectory())
    for (const below of readdirSync(path, { withFileTypes: true })) normalize(join(path, below.name), below);
  if (!entry.isSymbolicLink()) {
    const executable = entry.isDirectory() || (statSync(path).mode & 0o100) !== 0;
    chmodSync(path, executable ? 0o755 : 0o644);
  }
  lutimesSync(path, Number(values.epoch), Number(values.epoch));
}

/** @param {string} folder @param {string} name of the app */
function layOut(folder, name) {
  const app = join(folder, "app");
  stripPackages(app);
  pruneNativeModules(app, platform);
  const packages = neededPackages([app]);
  const complaints = [...nativeComplaints(app, platform), ...licenceComplaints(packages.values())];
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
  mkdirSync(join(folder, "sbom"), { recursive: true });
  writeFileSync(join(folder, "sbom", `hawser-${name}.cdx.json`), sbomOf(app));
  normalize(folder, lstatSync(folder));
  console.log(`lay-out-images: ${name}: ${packages.size} packages for ${values.platform}`);
}

for (const { name } of readdirSync(out, { withFileTypes: true }).filter((entry) => entry.isDirectory()))
  layOut(join(out, name), name);
