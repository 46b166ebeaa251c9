import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { filterProblems } from "@arethetypeswrong/core/problems";
import { readFileSync } from "node:fs";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { tarballComplaints } from "./tarball-rules.mjs";

/** The packages are ESM only: how CommonJS of old would see them is of no interest. @type {import("@arethetypeswrong/core").ResolutionKind[]} */
const RESOLUTIONS = ["node16-esm", "bundler"];

/**
 * Our rules, publint, and "are the types wrong".
 *
 * @param {string} tarball
 * @returns {Promise<string[]>} complaints
 */
export async function lintTarball(tarball) {
  const bytes = readFileSync(tarball);
  const contents = createPackageFromTarballData(bytes);
  const home = `/node_modules/${contents.packageName}/`;
  const files = new Map(
    contents.listFiles().map((path) => [path.slice(home.length), contents.readFile(path)]),
  );
  return [
    ...tarballComplaints(files),
    ...(await publintComplaints(bytes)),
    ...(await typesComplaints(contents)),
  ];
}

/** @param {Buffer} bytes */
async function publintComplaints(bytes) {
  const tarball = new Uint8Array(bytes).buffer;
  const { messages, pkg } = await publint({ strict: true, pack: { tarball } });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

/** @param {ReturnType<typeof createPackageFromTarballData>} contents */
async function typesComplaints(contents) {
  // A package with nothing to import is run, not imported.
  if (!contents.containsTypes()) return [];
  const analysis = await checkPackage(contents);
  if (!analysis.types) return [];
  const problems = RESOLUTIONS.flatMap((resolutionKind) => filterProblems(analysis, { resolutionKind }));
  return [...new Set(problems)].map((problem) => `types: ${JSON.stringify(problem)}`);
}
