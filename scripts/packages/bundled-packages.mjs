// What a bundle is made of besides our own sources: nobody installs those packages, so the bundle passes on their licences, and says what they are.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { licenceComplaints, licenceOf } from "../images/licences.mjs";
import { readJson } from "./workspace.mjs";

/** Lies in the folder of the bundle. */
export const BUNDLED_FILE = "bundled-packages.json";
const NOTICES_FILE = "THIRD-PARTY-NOTICES.txt";
const LICENCE_FILE = /^(licen[cs]e|notice|copying)(\.(md|txt))?$/i;

/** @typedef {{ type: "asset" } | { type: "chunk", modules: Record<string, { renderedLength: number }> }} Output what we look at of it */
/** @typedef {{ error(message: string): never, emitFile(file: { type: "asset", fileName: string, source: string }): unknown }} PluginContext */
/** @typedef {{ name: string, version: string, folder: string, manifest: import("./workspace.mjs").Manifest }} Bundled */

/** What a manifest says of its package to whoever makes a list of them. */
const TOLD = ["name", "version", "description", "license", "licenses", "author", "homepage", "repository"];

/**
 * A plugin of the bundler: writes the licences of the packages whose code got into the bundle, and their names, beside it.
 *
 * @returns {{ name: string, generateBundle(this: PluginContext, options: unknown, bundle: Record<string, Output>): void }} fails the build where a licence is not permissive, or its text is missing
 */
export function noticesOfBundle() {
  return {
    name: "notices-of-bundle",
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) =>
        chunk.type === "chunk" ? Object.entries(chunk.modules) : [],
      );
      const used = modules.filter(([, { renderedLength }]) => renderedLength > 0).map(([id]) => id);
      const packages = packagesOf(used);
      const complaints = licenceComplaints(packages);
      if (complaints.length > 0) this.error(complaints.join("\n"));
      const manifests = packages.map(({ manifest }) =>
        Object.fromEntries(Object.entries(manifest).filter(([key]) => TOLD.includes(key))),
      );
      this.emitFile({
        type: "asset",
        fileName: BUNDLED_FILE,
        source: `${JSON.stringify(manifests, undefined, 2)}\n`,
      });
      this.emitFile({
        type: "asset",
        fileName: NOTICES_FILE,
        source: packages.map(noticeOf).join(`\n${"-".repeat(80)}\n\n`),
      });
    },
  };
}

/** What the manifests of the packages say whose code the bundle of a package holds; nothing where it has no bundle. For the SBOM of an image. @param {string} folder @returns {import("./workspace.mjs").Manifest[]} */
export function bundledIn(folder) {
  const path = join(folder, "dist", BUNDLED_FILE);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
}

/** The packages of others that these modules belong to, by name. @param {string[]} modules */
function packagesOf(modules) {
  const folders = new Set(modules.filter((id) => id.includes("/node_modules/")).map(folderOf));
  return [...folders]
    .map((folder) => ({ folder, manifest: readJson(join(folder, "package.json")) }))
    .map(({ folder, manifest }) => ({ name: manifest.name, version: manifest.version, folder, manifest }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** A package may hold further manifests below its own, which say how files are read, and name nothing. @param {string} module */
function folderOf(module) {
  for (let folder = dirname(module); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, "package.json");
    if (existsSync(path) && readJson(path).version !== undefined) return folder;
  }
  throw new Error(`${module} belongs to no package`);
}

/** @param {Bundled} bundled */
function noticeOf({ name, version, folder, manifest }) {
  const texts = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (texts.length === 0) throw new Error(`${name}@${version} ships no text of its licence`);
  return `${name} ${version} (${licenceOf(manifest)})\n\n${texts.join("\n\n")}\n`;
}
