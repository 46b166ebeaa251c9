import { existsSync, mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { run } from "./run.mjs";
import { ROOT } from "./workspace.mjs";

const PLATFORM = process.platform === "win32" ? "win" : process.platform;

/**
 * An environment in which `node`, and with it `npm`, is another release than the running one. The binary is a plain package of the registry, one for each
 * platform, and needs no install script.
 * @param {string | undefined} release "22", "24"; without one, the running Node
 * @returns {Promise<{ node: string, env: NodeJS.ProcessEnv }>}
 */
export async function nodeOf(release) {
  const env = { ...process.env, npm_config_update_notifier: "false" };
  if (release === undefined)
    return { node: process.execPath, env: { ...env, PATH: prepend(dirname(process.execPath)) } };
  const name = `node-${PLATFORM}-${process.arch}`;
  const home = join(ROOT, "node_modules", ".cache", "hawser-node", release);
  const folder = join(home, "node_modules", name, "bin");
  const node = join(folder, process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(node)) {
    mkdirSync(home, { recursive: true });
    const flags = ["--prefix", home, "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
    await run("npm", ["install", ...flags, `${name}@${release}`], { cwd: home, env });
  }
  return { node, env: { ...env, PATH: prepend(folder) } };
}

/** @param {string} folder */
function prepend(folder) {
  return `${folder}${delimiter}${process.env.PATH ?? ""}`;
}
