import { AsyncLocalStorage } from "node:async_hooks";
import { HawserError } from "@hawser/protocol";

/** A delivery, with the async context it came in. */
export type LoopedDelivery<Delivery> = Delivery & {
  /**
   * Runs `work` in the async context of a handler, such as the span of this event. The body of a
   * loop has the context of the reader instead.
   */
  readonly run: <T>(work: () => T) => T;
};

/** Deliveries to loop over, instead of a handler that is called. */
export interface DeliveryStream<Delivery extends object> extends AsyncIterable<LoopedDelivery<Delivery>> {
  /** To be given as `onEvent`. */
  readonly handler: (delivery: Delivery) => Promise<void>;
  /** Ends the loop. What waits, and what comes from now on, is refused and tried again later. */
  close(): void;
}

interface Waiting<Delivery> {
  readonly delivery: LoopedDelivery<Delivery>;
  readonly applied: () => void;
  readonly refused: (error: unknown) => void;
}

/**
 * Turns a handler into a loop: `for await (const delivery of stream)`. A delivery counts as applied
 * when the loop comes back for the next one; leaving the loop in between, by `break` or by what is
 * thrown, refuses it, and it is tried again later. One at a time over all resources, and one loop
 * at a time.
 *
 * What waits is bounded by the session's window: the peer sends no more than that without an
 * answer.
 */
export function createDeliveryStream<Delivery extends object>(): DeliveryStream<Delivery> {
  const waiting: Waiting<Delivery>[] = [];
  let wake: (() => void) | undefined;
  let closed = false;
  let looping = false;

  function refuse({ refused }: Waiting<Delivery>): void {
    refused(new HawserError("handler_failed", "nobody takes events any more; it is tried again later"));
  }

  function close(): void {
    closed = true;
    for (const each of waiting.splice(0)) refuse(each);
    wake?.();
  }

  async function* loop(): AsyncGenerator<LoopedDelivery<Delivery>, void, undefined> {
    if (looping)
      throw new HawserError("invalid_state", "this stream is being read already; one loop at a time");
    looping = true;
    try {
      while (!closed) {
        const next = waiting.shift();
        if (next === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        let isThrough = false;
        try {
          yield next.delivery;
          isThrough = true;
        } finally {
          if (isThrough) next.applied();
          else refuse(next);
        }
      }
    } finally {
      looping = false;
    }
  }

  return {
    [Symbol.asyncIterator]: loop,
    close,
    handler: (delivery) =>
      new Promise((applied, refused) => {
        const inContext = AsyncLocalStorage.snapshot();
        const run = <T>(work: () => T): T => inContext(work);
        const entry = { delivery: { ...delivery, run }, applied, refused };
        if (closed) {
          refuse(entry);
          return;
        }
        waiting.push(entry);
        wake?.();
      }),
  };
}
