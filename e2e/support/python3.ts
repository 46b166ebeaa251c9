import { spawnSync } from "node:child_process";

/** What the agent in `examples/python-agent` needs, and where this Python is. */
const PROBE = "import sqlite3, ssl, sys; assert sys.version_info >= (3, 10); print(sys.executable)";

const probe = spawnSync("python3", ["-c", PROBE], { encoding: "utf8" });

/** The `python3` of this machine; undefined where there is none, or it is older than 3.10 or without its standard library. */
export const PYTHON3: string | undefined = probe.status === 0 ? probe.stdout.trim() : undefined;
