// Ends with an error when the packages are not to be published from here, and says why.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { publishComplaints } from "./packages/publish-rules.mjs";
import { directoryOf, publishedPackages, readJson, ROOT } from "./packages/workspace.mjs";

const git = spawnSync("git", ["status", "--porcelain"], { cwd: ROOT, encoding: "utf8" });
if (git.status !== 0) throw new Error(`'git status' failed: ${git.error?.message ?? git.stderr}`);
const complaints = publishComplaints({
  workspace: readJson(join(ROOT, "package.json")),
  packages: publishedPackages().map((found) => ({ ...found, directory: directoryOf(found) })),
  changed: git.stdout.split("\n").filter(Boolean),
});
for (const complaint of complaints) console.error(`check-publish: ${complaint}`);
process.exit(complaints.length === 0 ? 0 : 1);
