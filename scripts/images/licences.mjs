// Which licences the packages have that come with ours, and whether each lets anybody use, change and pass them on.
import { createRequire } from "node:module";

/** @typedef {{ license: string, plus?: boolean } | { conjunction: "and" | "or", left: Expression, right: Expression }} Expression */

/**
 * Throws for what is no SPDX expression. The package is CommonJS, and the function is all it exports.
 *
 * @type {(text: string) => Expression}
 */
export const parseLicence = createRequire(import.meta.url)("spdx-expression-parse");

/** Ask for no more than that their text goes along. A new one is added here after it was read. */
const PERMISSIVE = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Python-2.0",
  "Unlicense",
  "Zlib",
]);

/**
 * The licence a package states, as an SPDX expression where it states one; undefined when it states none.
 * @param {Pick<import("../packages/workspace.mjs").Manifest, "license" | "licenses">} manifest
 * @returns {string | undefined}
 */
export function licenceOf({ license, licenses }) {
  // Two forms of old: `license: { type }` and `licenses: [{ type }]`, from which one may choose.
  const stated = [license ?? licenses ?? []].flat().map(nameOf);
  if (stated.length === 0 || stated.includes("")) return undefined;
  return stated.length === 1 ? stated[0] : `(${stated.join(" OR ")})`;
}

/** @param {unknown} stated @returns {string} empty where there is none */
function nameOf(stated) {
  if (typeof stated === "object" && stated !== null && "type" in stated) return nameOf(stated.type);
  return typeof stated === "string" ? stated : "";
}

/** @param {string | undefined} licence */
export function isPermissive(licence) {
  if (licence === undefined) return false;
  try {
    return satisfies(parseLicence(licence));
  } catch {
    // Not an expression, such as "SEE LICENSE IN file": somebody has to read it.
    return false;
  }
}

/** Of alternatives one will do; what is joined has to be permissive as a whole. An exception only ever permits more. @param {Expression} node @returns {boolean} */
function satisfies(node) {
  if ("license" in node) return node.plus !== true && PERMISSIVE.has(node.license);
  const [left, right] = [satisfies(node.left), satisfies(node.right)];
  return node.conjunction === "or" ? left || right : left && right;
}

/**
 * @param {Iterable<Pick<import("./installed-packages.mjs").Installed, "name" | "version" | "manifest">>} packages
 * @returns {string[]} a line for each that is not permissive
 */
export function licenceComplaints(packages) {
  return [...packages]
    .map(({ name, version, manifest }) => ({ id: `${name}@${version}`, licence: licenceOf(manifest) }))
    .filter(({ licence }) => !isPermissive(licence))
    .map(
      ({ id, licence }) =>
        `${id}: ${licence === undefined ? "states no licence" : `'${licence}' is not known to be permissive`}`,
    );
}
