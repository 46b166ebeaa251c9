import { guarded } from "@hawser/runtime";
import type {
  LeaseCallbacks,
  LeaseLoss,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
} from "../contract/mailbox.js";
import { assertHeld, type LeaseState } from "../mailbox/lease-table.js";
import type { Conversation } from "./conversation.js";
import type { HolderEnd, ServerLease } from "./server-lease.js";
import type { Granted, Swept } from "./server.js";

export interface HearingParts {
  /** The holder's. */
  readonly on: LeaseCallbacks;
  /** The lease is not held any more. */
  readonly ended: () => void;
  /** The holder threw from a callback. */
  readonly failed: (thrown: unknown) => void;
}

/**
 * Calls a holder back over a network that delays and loses: once per version, in order. Versions
 * have no gaps, so a gap shows a lost notification. A sweep finds one that was lost last.
 */
export class Hearing implements HolderEnd {
  readonly #parts: HearingParts;
  #state: LeaseState = "held";
  /** The holder was notified of every version up to this one, or is to read it. */
  #heard = 0;
  #purges = 0;
  /** Until the holder has its lease. */
  #waiting: (() => void)[] | undefined = [];

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  get state(): LeaseState {
    return this.#state;
  }

  /** @param lastVersion of the mailbox as it was claimed: it is there to read */
  granted(lastVersion: number): void {
    this.#heard = Math.max(this.#heard, lastVersion);
  }

  /** The holder has its lease. */
  opened(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const step of waiting) step();
  }

  /** The holder gives the mailbox up, and is called back no more. */
  close(): void {
    if (this.#state === "held") this.#end("closed");
  }

  event(entry: MailboxEntry): void {
    this.#step(() => {
      if (entry.version > this.#heard + 1) return this.#more(entry.version);
      if (entry.version <= this.#heard) return;
      this.#heard = entry.version;
      this.#parts.on.event(entry);
    });
  }

  more(lastVersion: number): void {
    this.#step(() => this.#more(lastVersion));
  }

  purged(gone: readonly PurgedEntry[]): number {
    this.#purges += 1;
    let sent = 0;
    // A holder without its lease yet has sent nothing.
    this.#step(() => (sent = this.#parts.on.purged(gone)));
    return sent;
  }

  lost(why: LeaseLoss): void {
    this.#step(() => {
      this.#end(why);
      this.#parts.on.lost(why);
    });
  }

  /** Every earlier notification of the server has arrived, unless it was lost. */
  swept({ isHeld, loss, purges, lastVersion }: Swept): void {
    if (!isHeld) this.lost(loss ?? "resync");
    // A lost notification named the entries that must not be sent any more.
    else if (purges > this.#purges) this.lost("resync");
    else this.more(lastVersion);
  }

  #more(lastVersion: number): void {
    if (lastVersion <= this.#heard) return;
    this.#heard = lastVersion;
    this.#parts.on.more(lastVersion);
  }

  #end(state: "closed" | LeaseLoss): void {
    this.#state = state;
    this.#parts.ended();
  }

  #step(run: () => void): void {
    const step = (): void => {
      if (this.#state === "held") guarded(run, this.#parts.failed);
    };
    if (this.#waiting === undefined) step();
    else this.#waiting.push(step);
  }
}

export interface ClientLeaseParts {
  readonly peer: string;
  readonly granted: Granted;
  readonly remote: ServerLease;
  readonly hearing: Hearing;
  readonly conversation: Conversation;
}

/** A lease at its holder. */
export interface ClientLease extends MailboxLease {
  readonly hearing: Hearing;
  readonly remote: ServerLease;
  /** Tells the server, as soon as possible, that nobody holds this any more. */
  giveUp(): void;
}

export function clientLease({ peer, granted, remote, hearing, conversation }: ClientLeaseParts): ClientLease {
  const isHeld = (): boolean => hearing.state === "held";
  const giveUp = (): void => conversation.note(() => void remote.close());
  return {
    ...granted,
    hearing,
    remote,
    giveUp,
    async read(...about) {
      assertHeld(peer, hearing.state);
      const entries = await conversation.want(() => remote.read(...about));
      assertHeld(peer, hearing.state);
      return entries;
    },
    acknowledge(...about) {
      if (isHeld()) conversation.noteIfRoom(() => remote.granted.acknowledge(...about));
    },
    deadLetter: async (...about) => isHeld() && conversation.want(() => remote.granted.deadLetter(...about)),
    begin: (batch) => conversation.want(() => remote.granted.begin(batch)),
    record: (batch) => conversation.want(() => remote.granted.record(batch)),
    flush: () => conversation.want(() => remote.granted.flush()),
    settle: (version) => conversation.noteIfRoom(() => remote.granted.settle(version)),
    joined: () => conversation.noteIfRoom(() => remote.granted.joined()),
    use: () => useOf(remote, conversation),
    async close() {
      if (!isHeld()) return;
      hearing.close();
      const answer = await conversation.ask(() => remote.close());
      if (answer.kind === "unanswered") giveUp();
    },
  };
}

/** Each note may run twice. */
function useOf(remote: ServerLease, conversation: Conversation): { release(): void } {
  const name = {};
  const { uses } = conversation.run;
  conversation.note(() => uses.has(name) || uses.set(name, remote.granted.use()));
  let isUsed = true;
  return {
    release() {
      if (!isUsed) return;
      isUsed = false;
      conversation.note(() => {
        uses.get(name)?.release();
        uses.delete(name);
      });
    },
  };
}
