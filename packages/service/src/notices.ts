import type { Runtime } from "@hawser/runtime";

/** A warning that does not prevent a start. */
export interface ServiceNotice {
  /** The fact, with numbers. */
  readonly detail: string;
  /** What to do. */
  readonly fix: string;
}

/** Interval of the notices. */
const INTERVAL_MS = 86_400_000;

/** Logs the notices daily, because a certificate may expire while the service runs. */
export function repeatNotices(
  read: () => readonly ServiceNotice[],
  { timers, logger }: Pick<Runtime, "timers" | "logger">,
): void {
  timers.after(INTERVAL_MS, () => {
    for (const { detail, fix } of read()) logger.warn({ fix }, detail);
    repeatNotices(read, { timers, logger });
  });
}
