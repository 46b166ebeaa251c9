import { resolveResendTiming, type ResendTiming } from "@hawser/delivery";
import {
  checkAgentName,
  checkBytes,
  checkOptionNames,
  checkWindow,
  DEFAULT_WINDOW,
  DEFAULT_WINDOW_BYTES,
  HawserError,
  isResourceKind,
  type OptionNames,
} from "@hawser/protocol";
import {
  limitedLogger,
  MAX_TIMER_DELAY_MS,
  systemRuntime,
  warningLogger,
  withLogger,
  type Runtime,
} from "@hawser/runtime";
import { resolveSessionTiming, type SessionTiming } from "@hawser/session";
import type { Dialer } from "@hawser/transport";
import type { AgentObserver, AgentOptions } from "./agent.js";
import type { ResourceHandler } from "./resource-handler.js";
import { VERSION } from "./version.js";

/** Options checked and complete. */
export interface ResolvedOptions extends Pick<AgentOptions, "name" | "store"> {
  readonly dialers: readonly Dialer[];
  readonly handlers: Readonly<Record<string, ResourceHandler>>;
  readonly onEvent: AgentOptions["onEvent"];
  readonly observer: AgentObserver;
  readonly runtime: Runtime;
  readonly window: number;
  readonly windowBytes: number;
  readonly timing: SessionTiming;
  readonly resend: ResendTiming;
  readonly checkIntervalMs: number | null;
  readonly software: string;
  /** Log lines left out so far. */
  readonly suppressedLogLines: () => number;
}

const NAMES: OptionNames<AgentOptions> = {
  name: true,
  store: true,
  dialer: true,
  handlers: true,
  onEvent: true,
  observer: true,
  runtime: true,
  window: true,
  windowBytes: true,
  timing: true,
  reconnect: true,
  resend: true,
  checkIntervalMs: true,
  software: true,
};

/** A check is cheap, and often enough to be noticed soon. */
export const DEFAULT_CHECK_INTERVAL_MS = 60_000;

/**
 * @throws HawserError `invalid_agent_name`; `invalid_config` naming the option and what it may be
 */
export function resolveOptions(options: AgentOptions): ResolvedOptions {
  checkOptionNames("createAgent", options, NAMES);
  const observer = options.observer ?? {};
  let suppressed = 0;
  const onSuppressed = (): void => {
    suppressed += 1;
    observer.logLineSuppressed?.();
  };
  return {
    name: checkAgentName(options.name),
    store: checkStore(options.store),
    dialers: checkDialers(options.dialer),
    handlers: checkHandlers(options.handlers ?? {}),
    onEvent: options.onEvent,
    observer,
    suppressedLogLines: () => suppressed,
    runtime: limited(options.runtime ?? systemRuntime(warningLogger()), onSuppressed),
    window: checkWindow(options.window ?? DEFAULT_WINDOW),
    windowBytes: checkBytes("windowBytes", options.windowBytes ?? DEFAULT_WINDOW_BYTES),
    timing: resolveSessionTiming(options.timing),
    resend: resolveResendTiming(options.resend),
    checkIntervalMs: checkCheckInterval(options.checkIntervalMs),
    software: options.software ?? `hawser-agent/${VERSION}`,
  };
}

/** A principal has a part in what an agent logs: in how much of it, too. */
function limited(runtime: Runtime, onSuppressed: () => void): Runtime {
  return withLogger(runtime, limitedLogger(runtime.logger, { clock: runtime.clock, onSuppressed }));
}

// Where no compiler has looked, what is missing would be found out by the first event.
function checkStore(store: AgentOptions["store"]): AgentOptions["store"] {
  if (typeof Object(store).append === "function") return store;
  throw new HawserError("invalid_config", "store: an agent needs one, such as createMemoryStore()");
}

/**
 * @throws HawserError `invalid_config` for a kind that no resource can have, a handler that lacks a
 *   half, and one that was made for another kind
 */
function checkHandlers(handlers: ResolvedOptions["handlers"]): ResolvedOptions["handlers"] {
  for (const [kind, handler] of Object.entries(handlers)) {
    if (!isResourceKind(kind)) {
      const message = `handlers: ${JSON.stringify(kind)} is no kind; it begins with a capital letter, such as Lamp`;
      throw new HawserError("invalid_config", message);
    }
    for (const half of ["apply", "delete"] as const)
      if (typeof handler[half] !== "function")
        throw new HawserError("invalid_config", `handlers: that of ${kind} needs a function ${half}`);
    // One of 'defineHandler' knows its kind.
    const madeFor = "kind" in handler ? handler.kind : kind;
    if (madeFor !== kind)
      throw new HawserError("invalid_config", `handlers: that of ${kind} was made for ${String(madeFor)}`);
  }
  return handlers;
}

function checkCheckInterval(intervalMs: number | null = DEFAULT_CHECK_INTERVAL_MS): number | null {
  if (intervalMs === null) return null;
  if (Number.isSafeInteger(intervalMs) && intervalMs >= 1 && intervalMs <= MAX_TIMER_DELAY_MS / 2)
    return intervalMs;
  throw new HawserError(
    "invalid_config",
    `checkIntervalMs must be null or a whole number of milliseconds from 1, not ${intervalMs}`,
  );
}

function checkDialers(dialer: Dialer | readonly Dialer[]): readonly Dialer[] {
  const dialers = "dial" in dialer ? [dialer] : dialer;
  if (dialers.length > 0) return dialers;
  throw new HawserError("invalid_config", "dialer: give at least one way to reach the principal");
}
