import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Debian's: it has Debian's packages. */
export const PYTHON = "/usr/bin/python3";

const SETUP = fileURLToPath(new URL("../fixtures/foreign-python-setup.sh", import.meta.url));
const SETUP_MS = 300_000;

/** Installs what a gRPC client in Python needs where that is possible, and answers why it cannot run here; undefined when it can. */
export function pythonMissing(): string | undefined {
  const setup = spawnSync("sh", [SETUP], { encoding: "utf8", timeout: SETUP_MS });
  return setup.status === 0 ? undefined : setup.stdout.trim() || "its setup did not end";
}
