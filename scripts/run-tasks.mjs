// Runs tasks of turbo.json: what has not changed since it last passed is not run again. As a program it runs those named on the command line.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");

/** Nothing is sent anywhere, and turbo finds the installed pnpm. */
export const TASK_ENVIRONMENT = {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  npm_config_update_notifier: "false",
};

/**
 * The command that runs tasks, and shows the output of those that fail.
 *
 * @param {readonly string[]} tasks and options of turbo
 * @returns {[command: string, args: string[]]}
 */
export function taskCommand(tasks) {
  return [join(bin, "turbo"), ["run", ...tasks, "--output-logs=errors-only"]];
}

/**
 * @param {readonly string[]} tasks and options of turbo
 * @returns {boolean} whether all passed
 */
export function runTasks(tasks) {
  const [command, args] = taskCommand(tasks);
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", env: TASK_ENVIRONMENT });
  return status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = runTasks(process.argv.slice(2)) ? 0 : 1;
}
