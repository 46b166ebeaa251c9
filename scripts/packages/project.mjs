import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exampleDependencies } from "./examples.mjs";
import { readmeDependencies } from "./readme-examples.mjs";
import { run } from "./run.mjs";
import { ROOT } from "./workspace.mjs";

/**
 * Installs the tarballs, the peers they can be used with, and what the examples need besides, into an empty project.
 * @param {import("./workspace.mjs").Published[]} packages
 * @param {Map<string, string>} tarballs by package
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
export async function installProject(folder, packages, tarballs, env) {
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: "empty-project",
    private: true,
    type: "module",
    dependencies: {
      ...Object.fromEntries([...tarballs].map(([name, tarball]) => [name, `file:${tarball}`])),
      ...Object.assign({}, ...packages.map((found) => found.manifest.peerDependencies ?? {})),
    },
    devDependencies: { ...exampleDependencies(), ...readmeDependencies(packages) },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], { cwd: folder, env });
}

/** Compiles what is in `src` of the project as strictly as a project can, its libraries' declarations included. @param {string} folder @param {string} node */
export async function compileProject(folder, node) {
  const compilerOptions = {
    target: "es2023",
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    rootDir: "src",
    outDir: "out",
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["src"] }, null, 2),
  );
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await run(node, [tsc, "-p", folder, "--pretty", "false"], { cwd: folder });
}
