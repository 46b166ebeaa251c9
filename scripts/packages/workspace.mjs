// The packages that are published: all of the workspace that are not private.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @typedef {{ name: string, folder: string, manifest: Record<string, any> }} Published */

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

/** What can be imported of a package: "@hawser/store", "@hawser/store/compliance". */
export function entryPointsOf({ name, manifest }) {
  return Object.keys(manifest.exports ?? {})
    .filter((path) => path !== "./package.json")
    .map((path) => join(name, path));
}
