import type { RecordedEvent } from "../event-log/recorded-event.js";

/** Where an event came to the sink from: the log, or its own dead letters, by hand. */
export type Origin = { readonly kind: "log" } | { readonly kind: "requeued"; readonly version: number };

/** An event that is not delivered yet. */
export interface OpenEvent {
  readonly recorded: RecordedEvent;
  readonly origin: Origin;
  attempts: number;
  firstTriedAt: number | undefined;
  /** Not before this moment, by the monotonic clock. */
  notBefore: number;
  isUnderWay: boolean;
  /** A batch with it was refused: it goes alone, so that others do not share its fate. */
  goesAlone: boolean;
}

/** Bytes of one delivery, unless one event is larger. */
const MAX_BATCH_BYTES = 1_048_576;

/**
 * The events of a sink that were read and are not settled, in order, and which of them may go now: of each resource of an agent one after the other, of different ones at once.
 * One that waits for its next try holds back those of its resource alone.
 */
export class OpenEvents {
  readonly #events = new Set<OpenEvent>();
  #bytes = 0;

  get size(): number {
    return this.#events.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest. */
  get first(): OpenEvent | undefined {
    for (const event of this.#events) return event;
    return undefined;
  }

  /** Of those that came from the log, the lowest position. */
  get firstOfLog(): number | undefined {
    for (const { recorded, origin } of this.#events) if (origin.kind === "log") return recorded.position;
    return undefined;
  }

  add(recorded: RecordedEvent, origin: Origin): void {
    this.#bytes += recorded.bytes;
    this.#events.add({
      recorded,
      origin,
      attempts: 0,
      firstTriedAt: undefined,
      notBefore: Number.NEGATIVE_INFINITY,
      isUnderWay: false,
      goesAlone: false,
    });
  }

  settle(event: OpenEvent): void {
    if (this.#events.delete(event)) this.#bytes -= event.recorded.bytes;
  }

  /** What may go together now; empty when nothing may. */
  next(now: number, max: number): readonly OpenEvent[] {
    const batch: OpenEvent[] = [];
    const held = new Set<string>();
    let bytes = 0;
    for (const event of this.#events) {
      const key = keyOf(event);
      if (held.has(key)) continue;
      const isTooMuch =
        batch.length > 0 && (event.goesAlone || bytes + event.recorded.bytes > MAX_BATCH_BYTES);
      if (event.isUnderWay || event.notBefore > now || isTooMuch) {
        held.add(key);
        continue;
      }
      batch.push(event);
      bytes += event.recorded.bytes;
      if (batch.length === max || event.goesAlone) break;
    }
    return batch;
  }

  /** When one that waits may go; undefined when none waits. */
  nextTryAt(): number | undefined {
    let first = Number.POSITIVE_INFINITY;
    for (const { isUnderWay, notBefore } of this.#events)
      if (!isUnderWay && notBefore > Number.NEGATIVE_INFINITY) first = Math.min(first, notBefore);
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }
}

function keyOf({ recorded: { agent, event } }: OpenEvent): string {
  return `${agent} ${event.resourceid}`;
}
