// The packages that are published: all of the workspace that are not private.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * What we read of a package.json.
 *
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {string} [description]
 * @property {unknown} [license] an expression, or in old packages an object
 * @property {unknown} [licenses] of old packages
 * @property {{ type?: string, url?: string, directory?: string }} [repository]
 * @property {Record<string, string>} [scripts]
 * @property {Record<string, string>} [bin]
 * @property {string} [main]
 * @property {Record<string, Record<string, string>>} [exports]
 * @property {{ access?: string, provenance?: boolean }} [publishConfig]
 * @property {Record<string, string>} [engines]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 */

/** @typedef {{ name: string, folder: string, manifest: Manifest }} Published */

/**
 * Reads a package.json.
 *
 * @param {string} path
 * @returns {Manifest}
 */
export function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** @returns {Published[]} */
export function publishedPackages() {
  return ["packages", "apps"]
    .flatMap((home) => readdirSync(join(ROOT, home)).map((name) => join(ROOT, home, name)))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map((folder) => ({ folder, manifest: readJson(join(folder, "package.json")) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

/** Where a package is, from the root: "packages/store". @param {Published} published */
export function directoryOf({ folder }) {
  return relative(ROOT, folder).replaceAll(sep, "/");
}

/** What can be imported of a package: "@hawser/store", "@hawser/store/compliance". @param {Published} published */
export function entryPointsOf({ name, manifest }) {
  return Object.keys(manifest.exports ?? {})
    .filter((path) => path !== "./package.json")
    .map((path) => join(name, path));
}
