import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { eventually } from "./eventually.js";

const SYSTEMD = "/lib/systemd/systemd";
const UNITS = "/run/systemd/system";

/** With this machine's files, a `/run` of its own, and no unit but those it is given. */
const BEGIN = `
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p ${UNITS}
cp "$1" ${UNITS}/
export container=hawser SYSTEMD_UNIT_PATH=${UNITS}
exec ${SYSTEMD} --system --unit="$2" --log-target=console --show-status=no
`;

/** Why no systemd can be run here; undefined when one can. A machine that has one as its process 1 is left alone. */
export function systemdMissing(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "it needs Linux and root";
  const lacking = [SYSTEMD, "/usr/bin/unshare", "/usr/bin/nsenter"].filter((path) => !existsSync(path));
  if (lacking.length > 0) return `there is no ${lacking.join(", ")}`;
  if (readFileSync("/proc/1/comm", "utf8").trim() === "systemd") return "this machine is run by one";
  return spawnSync("unshare", ["--pid", "--mount", "--fork", "true"]).status === 0
    ? undefined
    : "no namespaces may be made";
}

/** A systemd as process 1 of namespaces of its own, which runs one unit. It and everything it started end with `kill`. */
export class Systemd {
  readonly #outer: ChildProcess;
  readonly #unit: string;

  /** @param file of a unit, whose name it has in there as well */
  constructor(file: string, unit: string) {
    this.#unit = unit;
    const namespaces = ["--pid", "--mount", "--fork", "--kill-child"];
    this.#outer = spawn("unshare", [...namespaces, "sh", "-c", BEGIN, "sh", file, unit], { stdio: "ignore" });
  }

  /** What `systemctl show` says of the unit. */
  async show(property: string): Promise<string> {
    return (await this.control("show", this.#unit, `--property=${property}`, "--value")).trim();
  }

  control(...args: readonly string[]): Promise<string> {
    return this.inside("systemctl", ...args);
  }

  /** Runs a program in there, and answers what it printed. */
  async inside(...command: readonly string[]): Promise<string> {
    const pid = await eventually("systemd runs", () => this.#pid());
    const { stdout } = await promisify(execFile)("nsenter", [
      `--target=${pid}`,
      "--pid",
      "--mount",
      ...command,
    ]);
    return stdout;
  }

  kill(): void {
    this.#outer.kill("SIGKILL");
  }

  #pid(): string | undefined {
    const { pid } = this.#outer;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return child === "" ? undefined : child;
  }
}
