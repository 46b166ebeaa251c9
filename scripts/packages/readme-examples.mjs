import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "./run.mjs";

const EXAMPLE = /^```ts example\n([\s\S]*?)^```$/gm;

/** Lays the examples of the READMEs out for the compiler. @param {string} folder @param {import("./workspace.mjs").Published[]} packages @returns {string[]} their names */
export function writeReadmeExamples(folder, packages) {
  mkdirSync(join(folder, "src", "readme"), { recursive: true });
  return packages.flatMap(({ folder: home }) => {
    const readme = readFileSync(join(home, "README.md"), "utf8");
    return [...readme.matchAll(EXAMPLE)].map(([, code = ""], index) => {
      const name = `${basename(home)}-${index + 1}`;
      writeFileSync(join(folder, "src", "readme", `${name}.ts`), code);
      return name;
    });
  });
}

/** Each ends by itself, and badly when something is not as it says. @param {string} folder @param {string[]} names @param {string} node */
export async function runReadmeExamples(folder, names, node) {
  for (const name of names) {
    const cwd = mkdtempSync(join(folder, `${name}-`));
    await run(node, [join(folder, "out", "readme", `${name}.js`)], { cwd, timeoutMs: 60_000 });
  }
}

/** What the examples import of what their package is developed with, besides our own. @param {import("./workspace.mjs").Published[]} packages */
export function readmeDependencies(packages) {
  const used = packages.flatMap(({ folder: home, manifest: { devDependencies = {} } }) => {
    const examples = [...readFileSync(join(home, "README.md"), "utf8").matchAll(EXAMPLE)].join("\n");
    return Object.entries(devDependencies).filter(
      ([name]) => !name.startsWith("@hawser/") && examples.includes(`from "${name}"`),
    );
  });
  return Object.fromEntries(used);
}
