// Whoever installs a package installs its dependencies, so what the package ships has to name each of them: one that only tests use belongs into
// devDependencies. (knip counts tests as users, and its production mode takes every file that a package exports for unused.)
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Whether a file of `src` is for tests alone, and so not shipped.
 *
 * @param {string} path relative to `src`
 * @returns {boolean}
 */
export function isForTests(path) {
  return /\.(?:test|test-support)\.tsx?$/.test(path) || /(?:^|[\\/])testing[\\/]/.test(path);
}

/**
 * @param {readonly string[]} dependencies
 * @param {readonly string[]} sources texts of what is shipped
 * @returns {string[]} the dependencies that no text literal of them names: of an import, of types too, or of whatever finds a package at run time
 */
export function unnamed(dependencies, sources) {
  return dependencies.filter((name) => {
    const literal = new RegExp(`["'\`]${name.replaceAll(".", "\\.")}["'\`/]`);
    return !sources.some((text) => literal.test(text));
  });
}

/**
 * @param {string} manifest
 * @param {string} field
 * @returns {string[]}
 */
function names(manifest, field) {
  return Object.keys(JSON.parse(readFileSync(manifest, "utf8"))[field] ?? {});
}

/**
 * @param {string} folder of a package
 * @returns {string[]} one line for each of its dependencies that is none
 */
function findings(folder) {
  const dependencies = names(join(root, folder, "package.json"), "dependencies");
  const source = join(root, folder, "src");
  const shipped = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.tsx?$/.test(file) && !isForTests(file),
  );
  const sources = shipped.map((file) => readFileSync(join(source, file), "utf8"));
  // What a bundle holds is a devDependency; what it leaves outside, for our other packages in it too, its settings name.
  const bundle = join(root, folder, "rolldown.config.mjs");
  if (existsSync(bundle)) sources.push(readFileSync(bundle, "utf8"));
  // A package that another one wants beside it.
  const peers = dependencies.flatMap((name) =>
    names(join(root, folder, "node_modules", name, "package.json"), "peerDependencies"),
  );
  return unnamed(dependencies, sources)
    .filter((name) => !peers.includes(name))
    .map((name) => `${folder}: nothing that is shipped names ${name}; if tests do, it is a devDependency`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folders = ["packages", "apps"].flatMap((place) =>
    readdirSync(join(root, place)).map((name) => `${place}/${name}`),
  );
  const found = folders.filter((folder) => existsSync(join(root, folder, "package.json"))).flatMap(findings);
  for (const line of found) console.error(line);
  process.exitCode = found.length === 0 ? 0 : 1;
}
