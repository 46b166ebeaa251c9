/** Whom Tasks run as. */
export interface TaskUser {
  readonly uid: number;
  readonly gid: number;
}

export const DEFAULT_OUTPUT_BYTES_PER_SECOND = 262_144;

/** What one Task may take of the machine; undefined: no limit of ours. */
export interface TaskLimits {
  /** Processes and threads: `pids.max` of its control group, else RLIMIT_NPROC, which counts everything its user runs and does not hold root. */
  readonly maxProcesses: number | undefined;
  /** Bytes of memory: `memory.max` of its control group, else RLIMIT_AS of each process, which counts address space. */
  readonly maxMemoryBytes: number | undefined;
  /** Cores: `cpu.max` of its control group. There is no other way, so an agent without one does not start with it. */
  readonly maxCpus: number | undefined;
  /** CPU time of each process, in seconds (RLIMIT_CPU); then it is ended. */
  readonly maxCpuSeconds: number | undefined;
  /** Bytes of output read a second; a Task that writes more waits. */
  readonly outputBytesPerSecond: number;
}

/** The limits that the control group of a Task holds; the others are left to the system's limits of a process. */
export type HeldByGroup = ReadonlySet<"processes" | "memory" | "cpu">;
