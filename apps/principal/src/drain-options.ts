import type { DrainOptions } from "@hawser/principal";
import type { StopLimit } from "@hawser/service";
import type { PrincipalSettings } from "./settings.js";

/** What a drain takes beside its window; --stop-timeout has to leave room for it. */
const ANSWER_WAIT_MS = 2_000;
const GRACE_MS = 5_000;

/** The drain of this service, whatever asks for it: a signal, or what watches the platform. */
export function drainOptions(settings: PrincipalSettings) {
  return {
    shape: settings.stopShape,
    windowMs: settings.stopWindow,
    leadMs: settings.stopLead,
    returnAfterMs: settings.stopReturn,
    answerWaitMs: ANSWER_WAIT_MS,
    graceMs: GRACE_MS,
  } as const satisfies Omit<DrainOptions, "reason">;
}

/** For what is stopped besides the sessions: the platform's watchers, the API with its last requests, and the store. */
const REST_MS = 10_000;

/** How long a stop may take: a whole drain and the rest, or less where the platform ends the process before. */
export function stopLimit(settings: PrincipalSettings): StopLimit {
  const { stopLead, stopWindow, stopTimeout = Number.POSITIVE_INFINITY } = settings;
  const drainMs = stopLead + stopWindow + ANSWER_WAIT_MS + GRACE_MS + REST_MS;
  if (stopTimeout < drainMs) return { withinMs: stopTimeout, setting: "--stop-timeout" };
  return { withinMs: drainMs, setting: "--stop-lead, --stop-window and 17 s" };
}
