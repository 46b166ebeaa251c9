// Makes a fresh clone ready: installs packages when the lockfile says so, and builds what changed. Needs only Node and npm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TASK_ENVIRONMENT, taskCommand } from "./run-tasks.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { packageManager, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const stampFile = join(root, "node_modules", ".hawser-installed");

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function checkNode() {
  const [major = 0, minor = 0] = engines.node.replace(">=", "").split(".").map(Number);
  const [foundMajor = 0, foundMinor = 0] = process.versions.node.split(".").map(Number);
  if (foundMajor < major || (foundMajor === major && foundMinor < minor))
    fail(
      `Node ${process.versions.node} is too old; Hawser needs ${engines.node}. Install a newer Node and try again.`,
    );
}

/** @param {string} command @param {readonly string[]} args */
function run(command, args) {
  const quiet = !process.env.CI && !process.argv.includes("--verbose");
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    env: TASK_ENVIRONMENT,
    shell: process.platform === "win32",
  });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  fail(`'${[command, ...args].join(" ")}' failed${result.error ? `: ${result.error.message}` : ""}`);
}

function install() {
  const stamp = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  console.error("setup: installing packages (once; about half a minute)");
  run("npx", ["--yes", packageManager, "install", "--frozen-lockfile"]);
  writeFileSync(stampFile, stamp);
}

function build() {
  console.error("setup: building");
  // Templates are for other people's folders: their tests run from sources, as everybody's.
  const others = "--filter=!./apps/create-hawser/templates/*";
  run(...taskCommand(["build", others]));
}

checkNode();
install();
if (!process.argv.includes("--no-build")) build();
