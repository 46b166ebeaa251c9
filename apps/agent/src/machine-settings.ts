import { digestOfFiles, type Inherited, type ReloadableFiles } from "@hawser/service";
import { HawserError } from "@hawser/protocol";
import type { AgentSettings } from "./settings.js";
import { loadAllowList } from "./task/allow-list-file.js";
import type { CommandPolicy } from "./task/command-policy.js";
import type { TaskConfinement } from "./task/task-process.js";

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
