import { HawserError, type EventDraft, type HawserEvent } from "@hawser/protocol";
import { defined } from "@hawser/runtime";

/** What a side keeps for a peer that does not read: little, so that the test need not send much. */
export const NARROW = { highWaterBytes: 65_536, lowWaterBytes: 16_384, hardLimitBytes: 524_288 } as const;

/** More events of 300 kB than the kernel keeps for a reader that hangs. */
export const BACKLOG = 48;
/** Room for all of them at once. */
export const WIDE_WINDOW = 64;
const BACKLOG_BYTES = 300_000;
/** Each is answered with a kilobyte, so these are more than `NARROW` has room for. */
const MOST_EVENTS = 1_000;
const BATCH = 40;

const draftNo = (n: number, data?: string): EventDraft => ({
  specversion: "1.0",
  id: String(n),
  source: "/e2e",
  type: "e2e.order.v1",
  resourceid: `order-${n}_u1`,
  ...defined({ data }),
});

export const eventNo = (n: number): HawserEvent => ({
  ...draftNo(n),
  resourceid: `order-${n}_u1`,
  eventid: "1",
});

export const backlogNo = (n: number): EventDraft => draftNo(n, "x".repeat(BACKLOG_BYTES));

/** Answers each event at length, and counts them. */
export class Objector {
  heard = 0;

  readonly onEvent = (): never => {
    this.heard += 1;
    throw new HawserError("handler_rejected", "no ".repeat(300));
  };

  /** Is sent events until it has had enough of whoever does not read its answers. */
  async provoke(
    send: (event: HawserEvent) => void,
    until: (what: string, done: () => true | undefined) => Promise<unknown>,
    hasEnough: () => boolean,
  ): Promise<void> {
    for (let sent = 0; sent < MOST_EVENTS && !hasEnough(); sent += BATCH) {
      for (let n = sent; n < sent + BATCH; n += 1) send(eventNo(n));
      await until("they are answered", () => this.heard >= sent + BATCH || hasEnough() || undefined);
    }
    await until("it has had enough", () => hasEnough() || undefined);
  }
}
