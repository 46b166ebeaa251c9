// The packages of a folder as Node finds them: by node_modules, never by what a manifest of the workspace says should be there.
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { readJson } from "../packages/workspace.mjs";

/** @typedef {{ name: string, version: string, folder: string, manifest: import("../packages/workspace.mjs").Manifest, needs: string[] }} Installed `needs` are folders */

/**
 * What the packages in these folders need to run, those themselves included: dependencies, optional ones and peers, as far as they are there.
 * @param {string[]} roots
 * @param {{ without?: string[] }} [options] names that are not followed
 * @returns {Map<string, Installed>} by folder
 * @throws when a package that has to be there is not
 */
export function neededPackages(roots, { without = [] } = {}) {
  const found = new Map();
  const waiting = roots.map((folder) => realpathSync(folder));
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (found.has(folder)) continue;
    const manifest = readJson(join(folder, "package.json"));
    const needs = neededNames(manifest)
      .filter(({ name }) => !without.includes(name))
      .map(({ name, required }) => resolveFrom(folder, name, required))
      .filter((need) => need !== undefined);
    found.set(folder, { name: manifest.name, version: manifest.version, folder, manifest, needs });
    waiting.push(...needs);
  }
  return found;
}

function neededNames({ dependencies = {}, optionalDependencies = {}, peerDependencies = {}, ...rest }) {
  const { peerDependenciesMeta = {} } = rest;
  const names = [];
  for (const name of Object.keys(dependencies))
    names.push({ name, required: !(name in optionalDependencies) });
  for (const name of Object.keys(optionalDependencies)) names.push({ name, required: false });
  for (const name of Object.keys(peerDependencies))
    names.push({ name, required: peerDependenciesMeta[name]?.optional !== true });
  return names;
}

/** @param {string} folder @param {string} name @param {boolean} required */
function resolveFrom(folder, name, required) {
  for (let from = folder; ; from = dirname(from)) {
    const candidate = join(from, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return realpathSync(candidate);
    if (from === dirname(from)) break;
  }
  if (required) throw new Error(`${folder} needs ${name}, which is not installed`);
  return undefined;
}

/**
 * The folder of every package below this one, needed or not.
 * @returns {string[]}
 * @param {string} folder
 */
export function packageFoldersBelow(folder, isModules = false) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(folder, name);
      if (isModules && name.startsWith("@")) return packageFoldersBelow(path, true);
      const below = packageFoldersBelow(path, name === "node_modules");
      return isModules && existsSync(join(path, "package.json")) ? [path, ...below] : below;
    });
}
