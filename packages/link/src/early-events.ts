import { HawserError, type CloudEvent, type ValueSize } from "@hawser/protocol";
import { maxApplyingMemory, tooMuchMemory } from "./inbox-bounds.js";

/** An event, or what is wrong with one that cannot be read; and its size. */
interface EarlyEvent {
  readonly event: CloudEvent | HawserError;
  readonly size: ValueSize;
}

/**
 * Events that arrive while an agent still opens its store after the welcome. The link checks their
 * number and bytes against the window; their memory is bounded here.
 */
export class EarlyEvents {
  readonly #maxHeapBytes: number;
  #kept: EarlyEvent[] = [];
  #bytes = 0;
  #heapBytes = 0;

  /** @param windowBytes that this side announces */
  constructor(windowBytes: number) {
    this.#maxHeapBytes = maxApplyingMemory(windowBytes);
  }

  get count(): number {
    return this.#kept.length;
  }

  /** Bytes of all of them, those that were refused for their memory included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param event or what is wrong with it */
  keep(event: CloudEvent | HawserError, size: ValueSize): void {
    this.#bytes += size.bytes;
    const isTooMuch = this.#kept.length > 0 && this.#heapBytes + size.heapBytes > this.#maxHeapBytes;
    if (isTooMuch && !(event instanceof HawserError)) {
      // Of one that takes too much beside the others, its name is enough to refuse it for now.
      this.#kept.push({ event: tooMuchMemory(keyOf(event)), size: { bytes: size.bytes, heapBytes: 0 } });
      return;
    }
    this.#kept.push({ event, size });
    this.#heapBytes += size.heapBytes;
  }

  /** Gives all of them up, in the order in which they came. */
  take(): readonly EarlyEvent[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }
}

function keyOf({ resourceid, eventid }: CloudEvent): { resource_id?: string; event_id?: string } {
  if (typeof resourceid !== "string" || typeof eventid !== "string") return {};
  return { resource_id: resourceid, event_id: eventid };
}
