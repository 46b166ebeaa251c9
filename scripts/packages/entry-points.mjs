import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./run.mjs";
import { entryPointsOf } from "./workspace.mjs";

/** Its suites register themselves with the test runner, which cannot be required. */
const NOT_REQUIRED = /\/compliance$/;

/** A program that imports every entry point, for the compiler. @param {string} folder @param {import("./workspace.mjs").Published[]} packages */
export function writeImports(folder, packages) {
  const entryPoints = packages.flatMap(entryPointsOf);
  const lines = entryPoints.map((entryPoint, index) => `import * as _${index} from "${entryPoint}";`);
  const used = `export const names = [${entryPoints.map((_, index) => `_${index}`).join(", ")}].flatMap(Object.keys);`;
  mkdirSync(join(folder, "src"), { recursive: true });
  writeFileSync(join(folder, "src", "entry-points.ts"), [...lines, used, ""].join("\n"));
}

/** Imports every entry point, and requires it as CommonJS of today may. @param {string} folder @param {import("./workspace.mjs").Published[]} packages @param {string} node */
export async function loadEntryPoints(folder, packages, node) {
  const entryPoints = packages.flatMap(entryPointsOf);
  const load = join(folder, "out", "load.mjs");
  const program = `
    import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    for (const name of ${JSON.stringify(entryPoints)}) {
      const imported = Object.keys(await import(name));
      if (imported.length === 0) throw new Error(name + " exports nothing");
      if (${NOT_REQUIRED}.test(name)) continue;
      const required = Object.keys(require(name)).filter((key) => key !== "__esModule");
      if (required.join() !== imported.join()) throw new Error(name + " gives something else to require()");
    }`;
  mkdirSync(dirname(load), { recursive: true });
  writeFileSync(load, program);
  await run(node, ["--disable-warning=ExperimentalWarning", load], { cwd: folder });
  return entryPoints.length;
}
