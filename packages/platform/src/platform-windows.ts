/** The windows of a drain in milliseconds, from the principal's `DrainOptions`. */
export interface DrainWindows {
  /** `handover` spreads the departures over the window, `restart` the returns. */
  readonly shape: "handover" | "restart";
  readonly windowMs: number;
  readonly leadMs: number;
  readonly answerWaitMs: number;
  readonly graceMs: number;
}

/** The platform's limits in milliseconds; unknown ones are not checked. */
export interface PlatformLimits {
  /** Of the target group: time that a draining target keeps its connections. */
  readonly deregistrationDelayMs?: number;
  /** Of the ECS container: from SIGTERM to SIGKILL. */
  readonly stopTimeoutMs?: number;
  /** Of the pod: from its deletion, preStop included, to SIGKILL. */
  readonly terminationGraceMs?: number;
  /** Of the load balancer: silence after which it cuts a connection. */
  readonly idleTimeoutMs?: number;
}

export interface PlatformWindows extends PlatformLimits {
  readonly drain: DrainWindows;
  /** Longest silence of a session. @default DEFAULT_KEEP_ALIVE_MS */
  readonly keepAliveMs?: number;
}

/** Hawser's default ping interval. */
export const DEFAULT_KEEP_ALIVE_MS = 20_000;

const LIMITS = [
  ["terminationGraceMs", "the pod's grace period is", "raise terminationGracePeriodSeconds"],
  ["stopTimeoutMs", "the container's stop timeout is", "raise stopTimeout"],
  ["deregistrationDelayMs", "the target group's deregistration delay is", "raise it"],
] as const;

/** Warnings with numbers and advice; none when all fits. A drain of exactly the limit fits. */
export function checkPlatformWindows(windows: PlatformWindows): string[] {
  const { drain, idleTimeoutMs, keepAliveMs = DEFAULT_KEEP_ALIVE_MS } = windows;
  const parts = [
    drain.leadMs,
    ...(drain.shape === "handover" ? [drain.windowMs] : []),
    drain.answerWaitMs,
    drain.graceMs,
  ];
  const totalMs = parts.reduce((sum, part) => sum + part, 0);
  const sum = `the drain takes ${parts.map(seconds).join(" + ")} = ${seconds(totalMs)} at most`;
  const warnings: string[] = [];
  for (const [name, what, change] of LIMITS) {
    const limitMs = windows[name];
    if (limitMs === undefined || totalMs <= limitMs) continue;
    warnings.push(`${sum}, ${what} ${seconds(limitMs)}: ${change} or shorten the drain`);
  }
  if (idleTimeoutMs !== undefined && idleTimeoutMs <= keepAliveMs)
    warnings.push(
      `sessions are quiet for up to ${seconds(keepAliveMs)}, the load balancer cuts what is quiet for ${seconds(idleTimeoutMs)}: ` +
        "raise its idle timeout or ping more often",
    );
  return warnings;
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
