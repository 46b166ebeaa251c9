import { lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.mjs";
import { entryPointsOf } from "./workspace.mjs";

const KIB = 1024;

/** Installs every package alone, imports it there, and says what it weighs, as a Markdown table. @param {string} folder @param {import("./workspace.mjs").Published[]} packages @param {Map<string, string>} tarballs @param {{ node: string, env: NodeJS.ProcessEnv }} release */
export async function sizeTable(folder, packages, tarballs, { node, env }) {
  const rows = [];
  for (const found of packages) rows.push(await sizeRow(folder, found, tarballs, { node, env }));
  return [
    "| package | packed | unpacked | with all it needs | packages besides ours |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}

/** @param {string} folder @param {import("./workspace.mjs").Published} found @param {Map<string, string>} tarballs @param {{ node: string, env: NodeJS.ProcessEnv }} release */
async function sizeRow(folder, found, tarballs, { node, env }) {
  const { name } = found;
  const project = join(folder, name.replace("/", "-"));
  mkdirSync(project, { recursive: true });
  const specs = new Map([...tarballs].map(([other, tarball]) => [other, `file:${tarball}`]));
  const dependencies = { [name]: specs.get(name) };
  specs.delete(name);
  const manifest = { private: true, type: "module", dependencies, overrides: Object.fromEntries(specs) };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], { cwd: project, env });
  const [entryPoint] = entryPointsOf(found);
  if (entryPoint !== undefined)
    await run(node, ["--input-type=module", "-e", `await import("${entryPoint}")`], { cwd: project });
  const modules = join(project, "node_modules");
  return [
    `\`${name}\``,
    kib(statSync(tarballs.get(name) ?? "").size),
    kib(bytesBelow(join(modules, name))),
    kib(bytesBelow(modules)),
    `${foreignPackages(modules).length}`,
  ];
}

/** @param {number} bytes */
function kib(bytes) {
  return bytes < 1000 * KIB ? `${Math.round(bytes / KIB)} KiB` : `${(bytes / KIB / KIB).toFixed(1)} MiB`;
}

/** What the files hold, not what a file system takes for them. @param {string} folder */
function bytesBelow(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => lstatSync(join(folder, name)))
    .reduce((sum, found) => sum + (found.isFile() ? found.size : 0), 0);
}

/** @param {string} modules */
function foreignPackages(modules) {
  return readdirSync(modules)
    .filter((name) => !name.startsWith(".") && !/^(@|create-)?hawser$/.test(name))
    .flatMap((name) => (name.startsWith("@") ? readdirSync(join(modules, name)) : [name]));
}
