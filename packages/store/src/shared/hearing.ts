import { guarded } from "@hawser/runtime";
import type { LeaseCallbacks, LeaseLoss, MailboxEntry, PurgedEntry } from "../contract/mailbox.js";
import type { Ears } from "./server-lease.js";
import type { Swept } from "./server.js";

export interface HearingParts {
  /** The holder's. */
  readonly on: LeaseCallbacks;
  /** The lease is not held any more. */
  readonly ended: () => void;
  /** The holder threw from a callback. */
  readonly failed: (thrown: unknown) => void;
}

/**
 * What a holder hears through a network that is late and loses: once, in order, and nothing is missed unseen. Versions have no gaps, so one that is not the next says that something was
 * lost; what was lost last a sweep finds.
 */
export class Hearing implements Ears {
  readonly #parts: HearingParts;
  #state: "held" | "closed" | LeaseLoss = "held";
  /** Every version up to this one the holder was told of, or told to read. */
  #heard = 0;
  #purges = 0;
  /** Until the holder has its lease. */
  #waiting: (() => void)[] | undefined = [];

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  get state(): "held" | "closed" | LeaseLoss {
    return this.#state;
  }

  /** @param position the last version of the mailbox as it was claimed: it is there to read */
  granted(position: number): void {
    this.#heard = Math.max(this.#heard, position);
  }

  /** The holder has its lease. */
  opened(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const step of waiting) step();
  }

  /** The holder gives it up, and hears no more. */
  close(): void {
    if (this.#state === "held") this.#end("closed");
  }

  event(entry: MailboxEntry): void {
    this.#step(() => {
      if (entry.version > this.#heard + 1) this.#more(entry.version);
      else if (entry.version > this.#heard) {
        this.#heard = entry.version;
        this.#parts.on.event(entry);
      }
    });
  }

  more(position: number): void {
    this.#step(() => this.#more(position));
  }

  purged(gone: readonly PurgedEntry[]): number {
    this.#purges += 1;
    let sent = 0;
    // Whoever does not have its lease yet has sent nothing.
    this.#step(() => (sent = this.#parts.on.purged(gone)));
    return sent;
  }

  lost(why: LeaseLoss): void {
    this.#step(() => {
      this.#end(why);
      this.#parts.on.lost(why);
    });
  }

  /** Everything the server had said by then has arrived, unless it was lost. */
  swept({ isHeld, loss, purges, position }: Swept): void {
    if (!isHeld) this.lost(loss ?? "resync");
    // What must not be sent any more nobody can tell now.
    else if (purges > this.#purges) this.lost("resync");
    else this.more(position);
  }

  #more(position: number): void {
    if (position <= this.#heard) return;
    this.#heard = position;
    this.#parts.on.more(position);
  }

  #end(state: "closed" | LeaseLoss): void {
    this.#state = state;
    this.#parts.ended();
  }

  #step(run: () => void): void {
    if (this.#waiting !== undefined) this.#waiting.push(() => this.#now(run));
    else this.#now(run);
  }

  #now(run: () => void): void {
    if (this.#state === "held") guarded(run, this.#parts.failed);
  }
}
