import { checkAgentName, DEFAULT_WINDOW, DEFAULT_WINDOW_BYTES, HawserError, LIMITS } from "@hawser/protocol";
import { limitedLogger, systemRuntime, withLogger, type Runtime } from "@hawser/runtime";
import {
  AGENT_ROTATIONS,
  resolveSessionTiming,
  type AgentRotation,
  type SessionTiming,
} from "@hawser/session";
import type { Dialer } from "@hawser/transport";
import type { AgentObserver, AgentOptions } from "./agent.js";
import type { ResourceHandler } from "./resource-handler.js";
import { VERSION } from "./version.js";

/** Options checked and complete. */
export interface ResolvedOptions extends Pick<AgentOptions, "name" | "store" | "resend" | "reconnect"> {
  readonly dialers: readonly Dialer[];
  readonly handlers: Readonly<Record<string, ResourceHandler>>;
  readonly onEvent: AgentOptions["onEvent"];
  readonly observer: AgentObserver;
  readonly runtime: Runtime;
  readonly window: number;
  readonly windowBytes: number;
  readonly timing: SessionTiming;
  readonly rotation: AgentRotation;
  readonly software: string;
  /** Log lines left out so far. */
  readonly suppressedLogLines: () => number;
}

/** @throws HawserError `invalid_agent_name`; `invalid_config` naming the option and what it may be */
export function resolveOptions(options: AgentOptions): ResolvedOptions {
  const observer = options.observer ?? {};
  let suppressed = 0;
  const onSuppressed = (): void => {
    suppressed += 1;
    observer.logLineSuppressed?.();
  };
  return {
    name: checkAgentName(options.name),
    store: options.store,
    ...(options.resend === undefined ? {} : { resend: options.resend }),
    ...(options.reconnect === undefined ? {} : { reconnect: options.reconnect }),
    dialers: checkDialers(options.dialer),
    handlers: options.handlers ?? {},
    onEvent: options.onEvent,
    observer,
    suppressedLogLines: () => suppressed,
    runtime: limited(options.runtime ?? systemRuntime(), onSuppressed),
    window: checkWindow(options.window ?? DEFAULT_WINDOW),
    windowBytes: checkWindowBytes(options.windowBytes ?? DEFAULT_WINDOW_BYTES),
    timing: resolveSessionTiming(options.timing),
    rotation: checkRotation(options.rotation ?? "break-before-make"),
    software: options.software ?? `hawser-agent/${VERSION}`,
  };
}

/** A principal has a part in what an agent logs: in how much of it, too. */
function limited(runtime: Runtime, onSuppressed: () => void): Runtime {
  return withLogger(runtime, limitedLogger(runtime.logger, { clock: runtime.clock, onSuppressed }));
}

function checkWindow(window: number): number {
  if (Number.isSafeInteger(window) && window >= 1 && window <= LIMITS.maxWindow) return window;
  throw new HawserError(
    "invalid_config",
    `window must be a whole number from 1 to ${LIMITS.maxWindow}, not ${window}`,
  );
}

function checkWindowBytes(bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes >= 1) return bytes;
  throw new HawserError("invalid_config", `windowBytes must be a whole number from 1, not ${bytes}`);
}

function checkRotation(rotation: AgentRotation): AgentRotation {
  if (AGENT_ROTATIONS.includes(rotation)) return rotation;
  throw new HawserError(
    "invalid_config",
    `rotation must be ${AGENT_ROTATIONS.join(" or ")}, not ${String(rotation)}`,
  );
}

function checkDialers(dialer: Dialer | readonly Dialer[]): readonly Dialer[] {
  const dialers = "dial" in dialer ? [dialer] : dialer;
  if (dialers.length > 0) return dialers;
  throw new HawserError("invalid_config", "dialer: give at least one way to reach the principal");
}
