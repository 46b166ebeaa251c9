/** The windows of a drain, milliseconds; those of the principal's `DrainOptions`. */
export interface DrainWindows {
  /** `handover` spreads the leaving over the window; `restart` lets all leave at once and spreads the return. */
  readonly shape: "handover" | "restart";
  readonly windowMs: number;
  readonly leadMs: number;
  readonly answerWaitMs: number;
  readonly graceMs: number;
}

/** What the platform allows, milliseconds; what is not known is left out and not checked. */
export interface PlatformLimits {
  /** Of the target group: how long a draining target keeps its connections. */
  readonly deregistrationDelayMs?: number;
  /** Of the ECS container: from SIGTERM to SIGKILL. */
  readonly stopTimeoutMs?: number;
  /** Of the pod: from its deletion, preStop included, to SIGKILL. */
  readonly terminationGraceMs?: number;
  /** Of the load balancer: connections quiet for longer are cut. */
  readonly idleTimeoutMs?: number;
}

export interface PlatformWindows extends PlatformLimits {
  readonly drain: DrainWindows;
  /** The longest a session is quiet. @default DEFAULT_KEEP_ALIVE_MS */
  readonly keepAliveMs?: number;
}

/** How often Hawser pings unless told otherwise. */
export const DEFAULT_KEEP_ALIVE_MS = 20_000;

const LIMITS = [
  ["terminationGraceMs", "the pod's grace period is", "raise terminationGracePeriodSeconds"],
  ["stopTimeoutMs", "the container's stop timeout is", "raise stopTimeout"],
  ["deregistrationDelayMs", "the target group's deregistration delay is", "raise it"],
] as const;

/** Warnings, each a sentence with the numbers and what to change; none when all fits. A drain that takes exactly as long as allowed fits. */
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
