/** What can happen to an event: of ours (down to the dead letters), and of an agent (the last three). */
export const STEP_NAMES = [
  "accepted",
  "sent",
  "acked",
  "nacked",
  "dead_letter",
  "applied",
  "skipped",
  "refused",
] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** A step in the life of an event. */
export interface EventStep {
  readonly name: StepName;
  readonly agent: string;
  readonly resourceid: string;
  readonly eventid: string;
  readonly type: string | undefined;
  /** Of `sent`: above 1 it went again within its session. */
  readonly attempt: number | undefined;
  /** An error code; of `skipped`: `duplicate`, `stale` or `discarded`. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** Of `nacked` and `refused`: it will be tried again. */
  readonly retryable: boolean | undefined;
  /** Of `acked`: from sending it to its ACK, if it was sent once. */
  readonly latencyMs: number | undefined;
  /** Unix milliseconds. */
  readonly at: number;
}

/** The step as the stream tells it, without what is not known; its name is that of the server-sent event. */
export function stepJson({ name: _name, at, ...step }: EventStep): Record<string, unknown> {
  return { ...step, at: new Date(at).toISOString() };
}
