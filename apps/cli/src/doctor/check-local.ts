import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { http2Safety, stateDirectoryProblems } from "@hawser/service";
import { configPath, readConfig } from "../context/config-file.js";
import { fail, ok, warn, type Check } from "./check.js";

const MIN_NODE: readonly [number, number] = [20, 20];
const GIB = 1_073_741_824;
/** Below this the store of a principal or an agent will soon refuse what it is given. */
const WARN_FREE_BYTES = 2 * GIB;
const FAIL_FREE_BYTES = GIB / 4;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const old = major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1]);
  if (!old) return ok("node", version);
  return fail("node", `${version} is too old`, `install Node ${MIN_NODE.join(".")} or newer`);
}

/** Whether a principal on this Node may serve gRPC to other machines. */
export function checkHttp2(versions: Readonly<Record<string, string | undefined>>): Check {
  const safety = http2Safety(versions);
  if (safety.kind === "safe") return ok("http2", `nghttp2 ${versions["nghttp2"] ?? "of another kind"}`);
  return warn("http2", safety.message, "run the principal on Node 22.23, 24.21 or newer");
}

/** The file of contexts: can it be read, and who else can write it. */
export function checkConfig(env: Readonly<Record<string, string | undefined>>): Check {
  const path = configPath(env);
  if (!existsSync(path)) return ok("config", `no ${path}: defaults`);
  try {
    const { current, contexts } = readConfig(path);
    if ((statSync(path).mode & 0o022) !== 0)
      return warn(
        "config",
        `${path} can be changed by others, who could send you to a server of theirs`,
        `chmod 600 ${path}`,
      );
    return ok("config", `${path}, ${Object.keys(contexts).length} contexts, current ${current ?? "none"}`);
  } catch (thrown) {
    return fail(
      "config",
      thrown instanceof Error ? thrown.message : String(thrown),
      `mend or remove ${path}`,
    );
  }
}

/** Can the directory (or the nearest one above that is there) be written, and is there room. */
export function checkDisk(directory: string): Check {
  const name = `disk ${directory}`;
  let there = resolve(directory);
  while (!existsSync(there)) there = dirname(there);
  try {
    if (!statSync(there).isDirectory())
      return fail(name, `${there} is no directory`, "choose another --data-dir");
    accessSync(there, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(there);
    const free = bavail * bsize;
    const shown = `${(free / GIB).toFixed(1)} GiB free`;
    if (free < FAIL_FREE_BYTES)
      return fail(name, shown, "free space, or choose a --data-dir on another disk");
    if (free < WARN_FREE_BYTES) return warn(name, shown, "free space soon: a full disk refuses publishers");
    return ok(name, `${shown}, writable`);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return fail(name, reason, `make ${there} writable for this user, or choose another --data-dir`);
  }
}

/** Who else can read the state of a service, and is it on a disk of this machine. Nothing to say where there is none yet. */
export function checkState(directory: string): readonly Check[] {
  const name = `state ${directory}`;
  if (!existsSync(directory)) return [];
  const problems = stateDirectoryProblems(resolve(directory));
  if (problems.length === 0) return [ok(name, "for its own user alone, on a file system of this machine")];
  return problems.map(({ detail, fix }) => warn(name, detail, fix));
}
