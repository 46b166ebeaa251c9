import { digestOfFiles, type Inherited, type ReloadableFiles } from "@hawser/service";
import { HawserError } from "@hawser/protocol";
import { z } from "zod";
import type { AgentSettings } from "./settings.js";
import { loadAllowList } from "./task/allow-list-file.js";
import type { CommandPolicy } from "./task/command-policy.js";
import type { CgroupSetting } from "./task/task-cgroups.js";
import type { TaskUser } from "./task/task-limits.js";
import type { TaskConfinement } from "./task/task-process.js";

/** The highest number of a user or a group. */
export const HIGHEST_ID = 4_294_967_294;

/** Permission bits in octal, such as `0755`; setuid, setgid and sticky cannot be given. */
export function fileMode(): z.ZodType<number> {
  const wrong = 'is not a file mode such as "0755"';
  return z
    .string(wrong)
    .regex(/^0?[0-7]{3}$/, wrong)
    .transform((value) => Number.parseInt(value, 8));
}

/** `uid` or `uid:gid`; a group that is not named has the number of the user. */
export function taskUser(): z.ZodType<TaskUser> {
  const wrong = 'is not a user by number, such as "1500" or "1500:1500"';
  return z.union([z.string(), z.int().transform(String)], wrong).transform((value, context) => {
    const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(value);
    const uid = Number(match?.[1]);
    const gid = Number(match?.[2] ?? match?.[1]);
    if (match !== null && uid <= HIGHEST_ID && gid <= HIGHEST_ID) return { uid, gid };
    context.addIssue(wrong);
    return z.NEVER;
  });
}

/** `auto`, `off`, or the absolute path of a directory of cgroup v2. */
export function cgroupSetting(): z.ZodType<CgroupSetting> {
  const wrong = "is neither auto, off nor an absolute path";
  return z.string(wrong).transform((value, context): CgroupSetting => {
    if (value === "auto" || value === "off") return value;
    if (value.startsWith("/")) return { directory: value };
    context.addIssue(wrong);
    return z.NEVER;
  });
}

/** What is wrong with the settings of the kinds that touch this machine. */
export function machineProblems(settings: AgentSettings): string[] {
  const { taskAllow, taskAllowAnyCommand, taskUser: user } = settings;
  const problems: string[] = [];
  if (taskAllow !== undefined && taskAllowAnyCommand)
    problems.push("--task-allow and --task-allow-any-command contradict each other; keep the list");
  if (user !== undefined && process.geteuid?.() !== 0)
    problems.push("--task-user needs an agent that runs as root; leave it out, or start the agent as root");
  try {
    policyOf(settings);
  } catch (thrown) {
    problems.push(HawserError.from(thrown).message);
  }
  return problems;
}

/** Where the agent's settings say what Tasks may run, and the list when it is written anew. @throws HawserError `invalid_config` for a list that cannot be used */
export function taskPolicyOf(settings: AgentSettings): {
  readonly policy: () => CommandPolicy;
  readonly reloadable: readonly ReloadableFiles[];
} {
  const { taskAllow } = settings;
  const files = taskAllow === undefined ? [] : [taskAllow];
  const inUse = digestOfFiles(files);
  let current = policyOf(settings);
  const apply = (): void => {
    current = policyOf(settings);
  };
  return {
    policy: () => current,
    reloadable: files.length === 0 ? [] : [{ role: "list of commands of Task", files, inUse, apply }],
  };
}

/** As whom Tasks run and with how much of the machine, besides what they may run. */
export function confinementOf(
  settings: AgentSettings,
  policy: () => CommandPolicy,
  { umask }: Inherited,
): Omit<TaskConfinement, "cgroups"> {
  const { taskMaxCpuPercent, taskMaxCpuTime } = settings;
  return {
    policy,
    user: settings.taskUser,
    umask,
    limits: {
      maxProcesses: settings.taskMaxProcesses,
      maxMemoryBytes: settings.taskMaxMemory,
      maxCpus: taskMaxCpuPercent === undefined ? undefined : taskMaxCpuPercent / 100,
      maxCpuSeconds: taskMaxCpuTime === undefined ? undefined : Math.ceil(taskMaxCpuTime / 1_000),
      outputBytesPerSecond: settings.taskOutputRate,
    },
  };
}

function policyOf({ taskAllow, taskAllowAnyCommand }: AgentSettings): CommandPolicy {
  if (taskAllow !== undefined) return { kind: "listed", commands: loadAllowList(taskAllow) };
  return { kind: taskAllowAnyCommand ? "any" : "off" };
}
