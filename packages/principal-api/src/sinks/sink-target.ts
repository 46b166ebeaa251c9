import type { RecordedEvent } from "../event-log/recorded-event.js";

/** What became of a delivery. */
export type SinkAnswer =
  | { readonly kind: "delivered" }
  | {
      readonly kind: "failed";
      /** In words, for people. */
      readonly message: string;
      /** The receiver looked at the event and says it is wrong: the same event will not do better. */
      readonly isOfEvent: boolean;
      /** The receiver asks not to be called before then. */
      readonly retryAfterMs?: number;
      /** The receiver wants no more events at all. */
      readonly isGone?: true;
    };

/** The far end of a sink. */
export interface SinkTarget {
  /** Events of one delivery. */
  readonly maxBatch: number;
  /** Deliveries under way at once. */
  readonly concurrency: number;
  /** Never rejects. Resolves early with a failure once `signal` is aborted. */
  deliver(batch: readonly RecordedEvent[], signal: AbortSignal): Promise<SinkAnswer>;
  /** Idempotent. */
  close(): Promise<void>;
}
