import type { DrainOptions } from "@hawser/principal";
import type { PrincipalSettings } from "./settings.js";

/** What a drain takes beside its window; --stop-timeout has to leave room for it. */
const SETTLE_MS = 2_000;
const GRACE_MS = 5_000;

/** The drain of this service, whatever asks for it: a signal, or what watches the platform. */
export function drainOptions(settings: PrincipalSettings) {
  return {
    shape: settings.stopShape,
    windowMs: settings.stopWindow,
    leadMs: settings.stopLead,
    returnAfterMs: settings.stopReturn,
    settleMs: SETTLE_MS,
    graceMs: GRACE_MS,
  } as const satisfies Omit<DrainOptions, "reason">;
}
