// Builds the images of a release for every platform and pushes them, with what they are made of and how they were made as attestations.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { releaseBuilds, releaseComplaints } from "./images/release.mjs";
import { publishedPackages, ROOT } from "./packages/workspace.mjs";

const HELP = `usage: release-images.mjs --base IMAGE@sha256:DIGEST --to PREFIX [options]

Builds hawser-principal, hawser-agent and hawser-cli from the commit that is checked out, and pushes them as PREFIX/hawser-...:VERSION.
Needs a builder of 'docker buildx' that makes attestations, such as one of the docker-container driver.

  --base IMAGE@sha256:DIGEST  what the images are built on; refused without a digest
  --to PREFIX                 where they are pushed, such as registry.example/site
  --version VERSION           refused when it is not that of the packages
  --platform LIST             default: linux/amd64,linux/arm64
  --sbom-generator IMAGE      what scans the images for their SBOM attestation, where BuildKit's own cannot be pulled
  --output VALUE              instead of a push, such as type=oci,dest={image}.tar
  --dry-run                   says what would be run
  --help`;

const OPTIONS = /** @type {const} */ ({
  base: { type: "string" },
  to: { type: "string" },
  version: { type: "string" },
  platform: { type: "string" },
  "sbom-generator": { type: "string" },
  output: { type: "string" },
  "dry-run": { type: "boolean" },
  help: { type: "boolean" },
});

/** @param {string[]} args */
function git(...args) {
  const { status, stdout, stderr, error } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`'git ${args.join(" ")}' failed: ${error?.message ?? stderr}`);
  return stdout.trim();
}

/** @param {import("./images/release.mjs").Build} made @param {string} folder */
function build({ reference, args }, folder) {
  const metadata = join(folder, "metadata.json");
  const { status, error } = spawnSync("docker", [...args, "--metadata-file", metadata, "."], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`the build of ${reference} failed${error ? `: ${error.message}` : ""}`);
  /** @type {Record<string, string>} */
  const said = JSON.parse(readFileSync(metadata, "utf8"));
  console.log(`release-images: ${reference}@${said["containerimage.digest"]}`);
}

/** @param {string} word */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** @param {{ [Name in Exclude<keyof typeof OPTIONS, "dry-run" | "help">]?: string } & { "dry-run"?: boolean }} values */
function release(values) {
  const versions = [...new Set(publishedPackages().map(({ manifest }) => manifest.version))];
  const { base, to: prefix, version, platform, output, "sbom-generator": sbomGenerator } = values;
  const changed = git("status", "--porcelain")
    .split("\n")
    .filter(Boolean)
    .map((line) => line.slice(2).trim());
  const complaints = releaseComplaints({ base, version, versions, changed, prefix, output });
  const [released] = versions;
  if (complaints.length > 0 || released === undefined || base === undefined)
    throw new Error(complaints.join("\nrelease-images: "));

  const builds = releaseBuilds({
    version: released,
    revision: git("rev-parse", "HEAD"),
    committedAt: Number(git("show", "--no-patch", "--format=%ct", "HEAD")),
    base,
    prefix,
    platform,
    sbomGenerator,
    output,
  });
  if (values["dry-run"])
    return builds.forEach(({ args }) => console.log(["docker", ...args, "."].map(quoted).join(" ")));
  const folder = mkdtempSync(join(tmpdir(), "hawser-release-"));
  try {
    for (const found of builds) build(found, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) console.log(HELP);
  else release(values);
} catch (error) {
  console.error(`release-images: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
