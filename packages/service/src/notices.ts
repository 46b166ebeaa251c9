import type { Runtime } from "@hawser/runtime";

/** Something that does not keep a service from running, and that its operator should know. */
export interface ServiceNotice {
  /** What is so, with the numbers. */
  readonly detail: string;
  /** What to do. */
  readonly fix: string;
}

/** What its operator should know is said at start, and once a day from then on. */
const INTERVAL_MS = 86_400_000;

/** Says once a day what there is to say then: a certificate comes to its end while the service runs. */
export function repeatNotices(
  read: () => readonly ServiceNotice[],
  { timers, logger }: Pick<Runtime, "timers" | "logger">,
): void {
  timers.after(INTERVAL_MS, () => {
    for (const { detail, fix } of read()) logger.warn({ fix }, detail);
    repeatNotices(read, { timers, logger });
  });
}
