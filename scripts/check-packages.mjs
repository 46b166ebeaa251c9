// Packs every package, holds the tarballs against the rules, installs them into an empty project, and uses them there as somebody else would: types, imports,
// the examples of the READMEs and those in examples/. `--node 22 --node 24` does the latter with other releases of Node than the running one; `--sizes` installs
// each package alone instead, and says what it weighs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadEntryPoints, writeImports } from "./packages/entry-points.mjs";
import { runExamples, writeExamples } from "./packages/examples.mjs";
import { lintTarball } from "./packages/lint-tarball.mjs";
import { nodeOf } from "./packages/node-binary.mjs";
import { packAll } from "./packages/pack.mjs";
import { compileProject, installProject } from "./packages/project.mjs";
import { runReadmeExamples, writeReadmeExamples } from "./packages/readme-examples.mjs";
import { run } from "./packages/run.mjs";
import { sizeTable } from "./packages/sizes.mjs";
import { useTemplates } from "./packages/templates.mjs";
import { publishedPackages } from "./packages/workspace.mjs";

const { values } = parseArgs({
  options: {
    node: { type: "string", multiple: true },
    sizes: { type: "boolean" },
    keep: { type: "boolean" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "hawser-packages-"));

/** Does one step and says what came of it, and how long it took. @param {string} name @param {() => Promise<string>} work */
async function step(name, work) {
  const startedAt = process.hrtime.bigint();
  const said = await work();
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
  console.log(`check-packages: ${name}: ${said} (${seconds.toFixed(1)} s)`);
}

/** @param {Map<string, string>} tarballs */
async function lintAll(tarballs) {
  const complaints = [];
  for (const [name, tarball] of tarballs)
    for (const complaint of await lintTarball(tarball)) complaints.push(`${name}: ${complaint}`);
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
}

/** @param {import("./packages/workspace.mjs").Published[]} packages @param {Map<string, string>} tarballs @param {string | undefined} release */
async function use(packages, tarballs, release) {
  const project = join(folder, `node-${release ?? "running"}`);
  const { node, env } = await nodeOf(release);
  await step("install", async () => {
    await installProject(project, packages, tarballs, env);
    return `into an empty project, Node ${(await run(node, ["--version"], { cwd: project })).trim()}`;
  });
  const examples = writeReadmeExamples(project, packages);
  writeImports(project, packages);
  writeExamples(project);
  await step("types", async () => {
    await compileProject(project, node);
    return "strict, declarations of libraries included";
  });
  await step("entry points", async () => {
    return `${await loadEntryPoints(project, packages, node)} imported and required`;
  });
  await step("examples of the READMEs", async () => {
    await runReadmeExamples(project, examples, node);
    return `${examples.length} ran`;
  });
  await step("examples", async () => `${await runExamples(project, node)} ran`);
  await step(
    "templates",
    async () => `${await useTemplates(project, tarballs, { node, env })} made, tested and used`,
  );
}

async function check() {
  const packages = publishedPackages();
  let tarballs = new Map();
  await step("pack", async () => {
    tarballs = await packAll(packages, join(folder, "tarballs"));
    return `${tarballs.size} tarballs`;
  });
  await step("lint", async () => {
    await lintAll(tarballs);
    return "clean";
  });
  if (values.sizes)
    return console.log(await sizeTable(folder, packages, tarballs, await nodeOf(values.node?.[0])));
  for (const release of values.node ?? [undefined]) await use(packages, tarballs, release);
}

try {
  await check();
} catch (error) {
  console.error(`check-packages: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  if (values.keep) console.log(`check-packages: kept ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
