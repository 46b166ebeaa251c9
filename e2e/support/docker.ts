import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "./typescript-examples.js";

const run = promisify(execFile);

/** Building the images installs and compiles everything once. */
const DOCKER_TIMEOUT_MS = 900_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Runs `docker` in the repository and answers what it printed. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("docker", [...args], {
    cwd: ROOT,
    timeout: DOCKER_TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return stdout;
}
