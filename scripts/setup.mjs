// Makes a fresh clone ready: installs packages when the lockfile says so, and builds what changed. Needs only Node and npm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { packageManager, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const bin = join(root, "node_modules", ".bin");
const stampFile = join(root, "node_modules", ".hawser-installed");

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function checkNode() {
  const wanted = engines.node.replace(">=", "").split(".").map(Number);
  const found = process.versions.node.split(".").map(Number);
  const older = found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < (wanted[1] ?? 0));
  if (older)
    fail(
      `Node ${process.versions.node} is too old; Hawser needs ${engines.node}. Install a newer Node and try again.`,
    );
}

function run(command, args) {
  const quiet = !process.env.CI && !process.argv.includes("--verbose");
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
      TURBO_TELEMETRY_DISABLED: "1",
      npm_config_update_notifier: "false",
    },
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
  run(join(bin, "turbo"), ["run", "build", others, "--output-logs=errors-only"]);
}

checkNode();
install();
if (!process.argv.includes("--no-build")) build();
