import { HawserError } from "@hawser/protocol";
import type { Begun, Recorded, RecordResult } from "../contract/inbox.js";
import type {
  DeadLetterReason,
  LeaseCallbacks,
  LeaseLoss,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
} from "../contract/mailbox.js";
import type { Fences } from "./fences.js";
import type { Life } from "./life.js";

/** What the client of a lease is told. */
export type Ears = Pick<LeaseCallbacks, "event" | "more" | "purged" | "lost">;

/** A purge that a client asked for. */
export interface PurgeRequest {
  readonly life: Life;
  /** How many of what it threw away that client had itself sent, as the holder. */
  inFlight: number;
}

/** What a lease needs of its server. */
export interface ServerLeaseParts {
  readonly peer: string;
  readonly life: Life;
  readonly ears: Ears;
  readonly fences: Fences;
  /** Whether the holder is told of the next entry by its position alone. */
  readonly tellsPosition: () => boolean;
  /** The purge that is under way in this mailbox, where there is exactly one. */
  readonly onlyPurge: () => PurgeRequest | undefined;
}

/** What a holder has to compare with what it heard. */
export interface LeaseLook {
  readonly isHeld: boolean;
  /** What it was told when it lost the mailbox. */
  readonly loss: LeaseLoss | undefined;
  /** How many purges there were. */
  readonly purges: number;
}

/** The end of a lease that is at the server. It fences what its client writes against other clients. */
export class ServerLease {
  /** Another client claims the mailbox, or has. */
  isTaken = false;
  readonly #parts: ServerLeaseParts;
  #lease: MailboxLease | undefined;
  #isHeld = true;
  #loss: LeaseLoss | undefined;
  #closing: Promise<void> | undefined;
  #purges = 0;
  /** The highest version its client was given. */
  #given = 0;

  constructor(parts: ServerLeaseParts) {
    this.#parts = parts;
  }

  get peer(): string {
    return this.#parts.peer;
  }

  get look(): LeaseLook {
    return { isHeld: this.#isHeld, loss: this.#loss, purges: this.#purges };
  }

  readonly callbacks: LeaseCallbacks = {
    event: (entry) => {
      const { ears, tellsPosition } = this.#parts;
      if (tellsPosition()) return this.callbacks.more(entry.version);
      this.#gave([entry]);
      this.#tell(() => ears.event(entry));
    },
    more: (position) => void this.#tell(() => this.#parts.ears.more(position)),
    purged: (gone) => this.#purged(gone),
    lost: (why) => {
      const loss = why === "superseded" && this.isTaken ? "taken" : why;
      this.#ended();
      this.#loss = loss;
      this.#tell(() => this.#parts.ears.lost(loss));
    },
  };

  /** The mailbox was claimed. Where the client has given up waiting for it, it is given up again. */
  async granted(lease: MailboxLease): Promise<void> {
    const { life, peer } = this.#parts;
    this.#lease = lease;
    this.#gave(lease.first);
    if (life.stage === "ended" || !this.#isHeld) await lease.close();
    else life.leases.set(peer, this);
  }

  async read(after: number, limit: number, maxBytes?: number): Promise<readonly MailboxEntry[]> {
    const entries = await this.#opened.read(after, limit, maxBytes);
    this.#gave(entries);
    return entries;
  }

  acknowledge(version: number, recorded?: number): void {
    this.#opened.acknowledge(version, recorded);
  }

  deadLetter(version: number, reason: DeadLetterReason): Promise<boolean> {
    return this.#parts.fences.write(this.peer, () => this.#opened.deadLetter(version, reason));
  }

  begin(batch: readonly Begun[]): Promise<void> {
    return this.#write((lease) => lease.begin(batch));
  }

  record(batch: readonly Recorded[]): Promise<RecordResult> {
    return this.#write((lease) => lease.record(batch));
  }

  settle(version: number): void {
    this.#note((lease) => lease.settle(version));
  }

  joined(): void {
    this.#note((lease) => lease.joined());
  }

  use(name: object): void {
    const { uses } = this.#parts.life;
    if (!uses.has(name)) uses.set(name, this.#opened.use());
  }

  release(name: object): void {
    const { uses } = this.#parts.life;
    uses.get(name)?.release();
    uses.delete(name);
  }

  flush(): Promise<void> {
    return this.#parts.fences.write(this.peer, () => this.#opened.flush());
  }

  close(): Promise<void> {
    this.#ended();
    this.#closing ??= this.#lease?.close();
    return this.#closing ?? Promise.resolve();
  }

  #ended(): void {
    const { leases } = this.#parts.life;
    this.#isHeld = false;
    if (leases.get(this.peer) === this) leases.delete(this.peer);
  }

  get #opened(): MailboxLease {
    if (this.#lease === undefined) throw new HawserError("invalid_state", "this lease was never granted");
    return this.#lease;
  }

  get #isCovered(): boolean {
    const { fences, life, peer } = this.#parts;
    return fences.covers(peer, life, this.#opened.epoch);
  }

  #write<T>(run: (lease: MailboxLease) => Promise<T>): Promise<T> {
    const { fences, peer } = this.#parts;
    return fences.write(peer, async () => {
      if (!this.#isCovered)
        throw new HawserError("superseded", `another client has claimed the mailbox of ${peer} since`, {
          agent: peer,
        });
      return run(this.#opened);
    });
  }

  #note(run: (lease: MailboxLease) => void): void {
    void this.#parts.fences.write(this.peer, async () => {
      if (this.#isCovered) run(this.#opened);
    });
  }

  #purged(gone: readonly PurgedEntry[]): number {
    const { ears, life, onlyPurge } = this.#parts;
    const only = onlyPurge();
    const own = only?.life === life ? only : undefined;
    this.#purges += 1;
    const isTold = this.#tell(() => {
      const sent = ears.purged(gone);
      if (own !== undefined) own.inFlight += sent;
    });
    // The client that purges what it holds counts for itself, before it is answered. For another one this is what the holder can have sent at most.
    if (isTold && own !== undefined) return 0;
    return gone.filter(({ version }) => version <= this.#given).length;
  }

  #tell(tell: () => void): boolean {
    return this.#parts.life.link.notify(tell);
  }

  #gave(entries: readonly MailboxEntry[]): void {
    this.#given = Math.max(this.#given, entries.at(-1)?.version ?? 0);
  }
}
