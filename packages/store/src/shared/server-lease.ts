import type { StoreClient } from "../commit/peer-table.js";
import { HawserError } from "@hawser/protocol";
import type {
  LeaseCallbacks,
  LeaseLoss,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
} from "../contract/mailbox.js";
import type { StoreUse } from "../contract/store.js";
import type { DiskLease } from "../mailbox/lease.js";
import type { Link } from "./network.js";

/** A client as the server reaches it. */
export interface ClientEnd {
  readonly name: string;
  readonly link: Link;
  /** Another run has taken the place of this one. */
  fenced(): void;
  /** The row of this peer changed. */
  changed(peer: string): void;
}

/** One run of a client, as the server knows it: from its start to its stop. */
export class ClientRun implements StoreClient {
  readonly client: ClientEnd;
  /** Leases that are held, by peer. */
  readonly leases = new Map<string, ServerLease>();
  /** Mailboxes that its handlers need, by an object of the client for each use. */
  readonly uses = new Map<object, { release(): void }>();
  /** The contents are open while a client runs. */
  storeUse: StoreUse | undefined;
  isWatching = false;
  stage: "new" | "member" | "ended" = "new";
  since = 0;
  seenAt = 0;
  /** On the monotonic clock. */
  heardAt = 0;

  constructor(client: ClientEnd) {
    this.client = client;
  }

  get name(): string {
    return this.client.name;
  }

  /** Runs this at the client. @returns false where it is lost already */
  notify(tell: (client: ClientEnd) => void): boolean {
    return this.client.link.notify(() => tell(this.client));
  }

  /** This run holds and uses nothing any more. */
  async giveUp(): Promise<void> {
    for (const use of this.uses.values()) use.release();
    this.uses.clear();
    await Promise.all([...this.leases.values()].map((lease) => lease.close()));
  }

  async end(): Promise<void> {
    this.stage = "ended";
    await this.giveUp();
    await this.storeUse?.release();
  }
}

/** The notifications of a lease to its client. */
export type HolderEnd = Pick<LeaseCallbacks, "event" | "more" | "purged" | "lost">;

/** A purge that a client asked for. */
export interface PurgeRequest {
  readonly run: ClientRun;
  /** How many of the purged events that client had itself sent, as the holder. */
  inFlight: number;
}

export interface ServerLeaseParts {
  readonly peer: string;
  readonly run: ClientRun;
  readonly holder: HolderEnd;
  /** Whether the holder is notified of the next entry by its version alone. */
  readonly tellsVersion: () => boolean;
  /** The purge that is under way in this mailbox, where there is exactly one. */
  readonly onlyPurge: () => PurgeRequest | undefined;
}

/** The state of a lease, for a holder to compare with its notifications. */
export interface LeaseLook {
  readonly isHeld: boolean;
  /** Why it lost the mailbox. */
  readonly loss: LeaseLoss | undefined;
  /** How many purges there were. */
  readonly purges: number;
}

/** A lease at the server. */
export class ServerLease {
  readonly #parts: ServerLeaseParts;
  #lease: DiskLease | undefined;
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

  /** @throws HawserError `invalid_state` where it was never granted */
  get granted(): DiskLease {
    if (this.#lease === undefined) throw new HawserError("invalid_state", "this lease was never granted");
    return this.#lease;
  }

  readonly callbacks: LeaseCallbacks = {
    event: (entry) => {
      const { holder, tellsVersion } = this.#parts;
      if (tellsVersion()) return this.callbacks.more(entry.version);
      this.#gave([entry]);
      this.#notify(() => holder.event(entry));
    },
    more: (lastVersion) => void this.#notify(() => this.#parts.holder.more(lastVersion)),
    purged: (gone) => this.#purged(gone),
    lost: (why) => {
      this.#ended();
      this.#loss = why;
      this.#notify(() => this.#parts.holder.lost(why));
    },
  };

  /** The mailbox was claimed. A client that gave up waiting for it does not get it. */
  async grant(lease: DiskLease): Promise<void> {
    const { run, peer } = this.#parts;
    this.#lease = lease;
    this.#gave(lease.first);
    if (run.stage === "ended" || !this.#isHeld) await lease.disown();
    else run.leases.set(peer, this);
  }

  async read(...about: Parameters<MailboxLease["read"]>): Promise<readonly MailboxEntry[]> {
    const entries = await this.granted.read(...about);
    this.#gave(entries);
    return entries;
  }

  close(): Promise<void> {
    this.#ended();
    this.#closing ??= this.#lease?.close();
    return this.#closing ?? Promise.resolve();
  }

  /** The client gave up waiting for it, and may never hear of it. */
  abandon(): Promise<void> {
    this.#ended();
    this.#closing ??= this.#lease?.disown();
    return this.#closing ?? Promise.resolve();
  }

  #ended(): void {
    const { leases } = this.#parts.run;
    this.#isHeld = false;
    if (leases.get(this.peer) === this) leases.delete(this.peer);
  }

  #purged(gone: readonly PurgedEntry[]): number {
    const { holder, run, onlyPurge } = this.#parts;
    const only = onlyPurge();
    const own = only?.run === run ? only : undefined;
    this.#purges += 1;
    const isTold = this.#notify(() => {
      const sent = holder.purged(gone);
      if (own !== undefined) own.inFlight += sent;
    });
    // A client that purges what it holds counts for itself. For others this is the most it can have
    // sent.
    if (isTold && own !== undefined) return 0;
    return gone.filter(({ version }) => version <= this.#given).length;
  }

  #notify(tell: () => void): boolean {
    return this.#parts.run.notify(tell);
  }

  #gave(entries: readonly MailboxEntry[]): void {
    this.#given = Math.max(this.#given, entries.at(-1)?.version ?? 0);
  }
}
