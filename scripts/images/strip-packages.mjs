// Packages ship more than Node reads: sources of the compiled, maps, tests. An image goes without, but for the words a licence wants passed on.
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../packages/workspace.mjs";
import { entriesBelow } from "./entries-below.mjs";
import { packageFoldersBelow } from "./installed-packages.mjs";

/** Types, sources in TypeScript and C, maps, documents, settings of tools; `.bare` is native code for another runtime than Node. */
const UNREAD = /^\.|\.(map|[cm]?tsx?|tsbuildinfo|md|markdown|cc|cpp|[ch]|gypi?|bare|yml|flow)$|^Makefile$/i;
const LEGAL = /licen[cs]e|notice|copying|authors|patents/i;
/** At the top of a package only: further down they may be code. */
const UNREAD_FOLDERS = [
  "test",
  "tests",
  "__tests__",
  "example",
  "examples",
  "benchmark",
  "benchmarks",
  "coverage",
  "deps",
  "docs",
];
/** What the package manager writes down for itself, one with the time of day in it. */
const BOOKKEEPING = [".modules.yaml", ".pnpm-workspace-state-v1.json", ".pnpm/lock.yaml"];

/** Removes from an app, and from all that is installed in it, what it never reads. @param {string} app */
export function stripPackages(app) {
  for (const name of BOOKKEEPING) rmSync(join(app, "node_modules", name), { force: true });
  for (const folder of packageFoldersBelow(app))
    for (const name of UNREAD_FOLDERS.filter((unread) => !isNamed(folder, unread)))
      if (existsSync(join(folder, name))) removeFiles(join(folder, name), /./);
  removeFiles(app, UNREAD);
  removeLeftovers(app);
}

/** A package may say that something in such a folder is what it is there for. @param {string} folder @param {string} name */
function isNamed(folder, name) {
  const { main, exports, bin } = readJson(join(folder, "package.json"));
  return JSON.stringify([main, exports, bin]).includes(`${name}/`);
}

/** @param {string} folder @param {RegExp} pattern */
function removeFiles(folder, pattern) {
  for (const { path, name, entry } of entriesBelow(folder))
    if (entry.isFile() && pattern.test(name) && !LEGAL.test(name)) rmSync(path);
}

/** Commands of packages, which nobody types there; links to the workspace the app was laid out from; folders with nothing in them any more. @param {string} folder */
function removeLeftovers(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink() && !existsSync(path)) rmSync(path);
    if (!entry.isDirectory()) continue;
    if (entry.name === ".bin") rmSync(path, { recursive: true });
    else removeLeftovers(path);
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
