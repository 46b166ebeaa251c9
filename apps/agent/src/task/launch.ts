import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { defined } from "@hawser/runtime";
import type { PermittedCommand } from "./command-policy.js";
import { TASK_INSTANCE_VARIABLE } from "./process-table.js";
import type { HeldByGroup, TaskLimits, TaskUser } from "./task-limits.js";

/** What a task's process inherits from the agent; the agent's own settings and secrets are not among it. */
const INHERITED_VARIABLES = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"] as const;
/** Of these, what belongs to the agent's user and to no other. */
const OWN_VARIABLES: ReadonlySet<string> = new Set(["HOME", "USER", "TMPDIR"]);

/**
 * Descriptors above the highest one in use that are covered as well: LevelDB's background thread may open a file between the look and the fork. It opens a few at a time.
 */
const SPARE_DESCRIPTORS = 64;
/** Where the launcher reads that it may begin. */
const BEGIN_DESCRIPTOR = 3;

export interface LaunchOptions {
  readonly permitted: PermittedCommand;
  /** Marks the process and all its descendants. */
  readonly instance: string;
  readonly limits: TaskLimits;
  readonly heldByGroup: HeldByGroup;
  readonly user: TaskUser | undefined;
  /** That of whoever started the agent; the agent's own is for its state. */
  readonly umask: number;
}

/** A process that has been made and waits. */
export interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly outputs: readonly Readable[];
  /** Lets it become the command. */
  begin(): void;
}

/**
 * Makes the process of a task: a shell that sets limits, waits for `begin`, and becomes the command. The command and its arguments are the shell's positional parameters, never part
 * of its script.
 *
 * The process inherits no descriptor of the agent: each that is open gets `/dev/null` in its place, because LevelDB opens its files without O_CLOEXEC and Node cannot set it.
 *
 * @throws Error of the system when there is no such command or directory, or no process can be made
 */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { permitted, user } = options;
  const env = environment(options);
  const command = await findCommand(permitted, env["PATH"] ?? "");
  const nothing = openSync("/dev/null", "r+");
  try {
    const inherited = Array.from({ length: inheritedDescriptors() }, () => nothing);
    const child = spawn("/bin/sh", ["-c", script(options), "hawser-task", command, ...permitted.args], {
      detached: true,
      env,
      stdio: ["ignore", "pipe", "pipe", "pipe", ...inherited],
      ...defined({ cwd: permitted.cwd }),
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
    await new Promise<void>((done, reject) => {
      child.once("spawn", done);
      child.once("error", reject);
    });
    return launched(child);
  } finally {
    closeSync(nothing);
  }
}

function launched(child: ChildProcess): Launched {
  const { pid, stdout, stderr } = child;
  const gate = child.stdio[BEGIN_DESCRIPTOR];
  if (pid === undefined || stdout === null || stderr === null || !isWritable(gate))
    throw new Error("the process has no pid");
  // Ended before it began: its exit tells.
  gate.on("error", () => {});
  return { child, pid, outputs: [stdout, stderr], begin: () => gate.end("begin\n") };
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === "object" && stream !== null && "write" in stream && "end" in stream;
}

/** How many descriptors after that of `begin` to cover. */
function inheritedDescriptors(): number {
  const open = readdirSync("/dev/fd").map(Number).filter(Number.isInteger);
  return Math.max(BEGIN_DESCRIPTOR, ...open) - BEGIN_DESCRIPTOR + SPARE_DESCRIPTORS;
}

/** Numbers alone are put into it. `ulimit -u` is `-p` in dash; a limit that cannot be set ends the run. */
function script({ limits, heldByGroup, umask }: LaunchOptions): string {
  const { maxProcesses, maxMemoryBytes, maxCpuSeconds } = limits;
  const lines = [
    `read -r HAWSER_TASK_BEGIN <&${BEGIN_DESCRIPTOR} || exit 125`,
    "unset HAWSER_TASK_BEGIN",
    `exec ${BEGIN_DESCRIPTOR}<&-`,
    `umask ${umask.toString(8).padStart(3, "0")}`,
  ];
  if (maxProcesses !== undefined && !heldByGroup.has("processes"))
    lines.push(`ulimit -u ${maxProcesses} 2>/dev/null || ulimit -p ${maxProcesses} || exit 125`);
  if (maxMemoryBytes !== undefined && !heldByGroup.has("memory"))
    lines.push(`ulimit -v ${Math.ceil(maxMemoryBytes / 1024)} || exit 125`);
  if (maxCpuSeconds !== undefined) lines.push(`ulimit -t ${maxCpuSeconds} || exit 125`);
  return [...lines, 'exec "$@"'].join("\n");
}

/** The path of the command, so that one which is not there is told as that and not by the shell. */
async function findCommand({ command, cwd }: PermittedCommand, path: string): Promise<string> {
  if (cwd !== undefined && !(await stat(cwd)).isDirectory()) throw new Error(`cwd ${cwd} is not a directory`);
  const from = resolve(cwd ?? ".");
  if (isAbsolute(command) || command.includes("/")) return usable(resolve(from, command));
  for (const directory of path.split(delimiter).filter(isAbsolute)) {
    const found = await usable(join(directory, command)).catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new Error(`ENOENT: ${command} is in none of the directories of PATH`);
}

async function usable(path: string): Promise<string> {
  await access(path, constants.X_OK);
  return path;
}

function environment({ permitted, instance, user }: LaunchOptions): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const name of INHERITED_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined && !(user !== undefined && OWN_VARIABLES.has(name))) inherited[name] = value;
  }
  return { ...inherited, ...permitted.env, [TASK_INSTANCE_VARIABLE]: instance };
}
