import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import ts from "typescript";
import { readJson, ROOT } from "./workspace.mjs";

const UNWANTED = [/\.tsbuildinfo$/, /\.test\./, /\.test-support\./, /\/testing\//, /^src\//];
/** Not this package's own code, but what others begin with. */
const TEMPLATES = /^templates\//;
const { engines } = readJson(join(ROOT, "package.json"));
const builtin = new Set(builtinModules);

/**
 * What the tarball of a package must hold and must not.
 * @param {Map<string, string>} files text by path
 * @returns {string[]} complaints
 */
export function tarballComplaints(files) {
  /** @type {import("./workspace.mjs").Manifest} */
  const manifest = JSON.parse(files.get("package.json") ?? "{}");
  return [
    ...["LICENSE", "README.md"].filter((name) => !files.has(name)).map((name) => `has no ${name}`),
    ...[...files.keys()]
      .filter((path) => !TEMPLATES.test(path) && UNWANTED.some((pattern) => pattern.test(path)))
      .map((path) => `ships ${path}`),
    ...manifestComplaints(manifest),
    ...Object.entries(manifest.exports ?? {}).flatMap(([path, target]) =>
      exportComplaints(path, target, files),
    ),
    ...mapComplaints(files),
    ...importComplaints(manifest, files),
    ...linkComplaints(files),
  ];
}

/** @param {import("./workspace.mjs").Manifest} manifest */
function manifestComplaints(manifest) {
  const text = JSON.stringify(manifest);
  const complaints = ["@hawser/source", "workspace:"]
    .filter((word) => text.includes(word))
    .map((word) => `package.json says ${word}`);
  const wanted = { type: "module", sideEffects: false, license: "Apache-2.0" };
  const stated = new Map(Object.entries(manifest));
  for (const [key, value] of Object.entries(wanted))
    if (stated.get(key) !== value) complaints.push(`package.json: ${key} is not ${value}`);
  if (manifest.engines?.["node"] !== engines?.["node"])
    complaints.push(`package.json: engines.node is not ${engines?.["node"]}`);
  if (manifest.publishConfig?.provenance !== true || manifest.publishConfig.access !== "public")
    complaints.push("package.json: publishConfig does not say access public and provenance true");
  if (manifest.exports === undefined) complaints.push("package.json: no exports, so every file is public");
  return complaints;
}

/** @param {string} path @param {Record<string, string>} target @param {Map<string, string>} files */
function exportComplaints(path, target, files) {
  if (path === "./package.json") return [];
  if (Object.keys(target).join() !== "types,default")
    return [`exports ${path}: not 'types' and then 'default'`];
  return Object.values(target)
    .filter((file) => !files.has(file.slice("./".length)))
    .map((file) => `exports ${path}: ${file} is not there`);
}

/**
 * A registry's page, an editor and node_modules know what the package holds and nothing beside it: a link that leaves the package leads nowhere on at least one
 * of them. Other packages are named instead.
 * @param {Map<string, string>} files
 */
function linkComplaints(files) {
  const complaints = [];
  for (const [path, text] of files) {
    if (!path.endsWith(".md")) continue;
    const prose = text.replaceAll(/^```[^]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");
    for (const { 1: target = "" } of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^([a-z]+:|#)/.test(target)) continue;
      const file = posix.join(posix.dirname(path), target.split("#")[0] ?? "");
      if (!files.has(file)) complaints.push(`${path} links to ${target}, which is not in the package`);
    }
  }
  return complaints;
}

/** A map that names sources that are not there is worse than none. @param {Map<string, string>} files */
function mapComplaints(files) {
  return [...files]
    .filter(([path]) => path.endsWith(".map"))
    .filter(([, text]) => JSON.parse(text).sourcesContent === undefined)
    .map(([path]) => `${path}: names sources and does not hold them`);
}

/** In this workspace everything resolves; where a package is installed alone, only what it depends on does. @param {import("./workspace.mjs").Manifest} manifest @param {Map<string, string>} files */
function importComplaints(manifest, files) {
  const { name, dependencies = {}, peerDependencies = {} } = manifest;
  const known = new Set([name, ...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
  const complaints = [];
  for (const [path, text] of files) {
    if (!/\.(js|d\.ts)$/.test(path)) continue;
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      if (/^(\.|node:)/.test(fileName) || builtin.has(fileName)) continue;
      const imported = fileName.split("/", fileName.startsWith("@") ? 2 : 1).join("/");
      if (!known.has(imported))
        complaints.push(`${path} imports ${fileName}, on which the package does not depend`);
    }
  }
  return complaints;
}
