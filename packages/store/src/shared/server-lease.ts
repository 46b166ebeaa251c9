import { HawserError } from "@hawser/protocol";
import type {
  LeaseCallbacks,
  LeaseLoss,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
} from "../contract/mailbox.js";
import type { StoreUse } from "../contract/store.js";
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
export class ClientRun {
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

interface Fence {
  readonly run: ClientRun;
  /** The epoch since which no other client has claimed the mailbox. */
  readonly since: number;
}

/**
 * Which client has had a mailbox to itself since when. Claims of a mailbox come one after another, and the writes of a
 * holder wait for earlier claims. So a write is before a claim or after it, and never between its decision and its commit.
 */
export class Fences {
  readonly #maxPeers: number;
  readonly #fences = new Map<string, Fence>();
  readonly #claims = new Map<string, Promise<void>>();

  /** @param maxPeers how many are kept; of more, the mailboxes claimed longest ago count as claimed by another */
  constructor(maxPeers: number) {
    this.#maxPeers = maxPeers;
  }

  /** Runs a claim behind those of the same mailbox that are under way. */
  claim<T>(peer: string, run: () => Promise<T>): Promise<T> {
    const result = this.write(peer, run);
    const over = result.then(
      () => {},
      () => {},
    );
    this.#claims.set(peer, over);
    void over.then(() => {
      if (this.#claims.get(peer) === over) this.#claims.delete(peer);
    });
    return result;
  }

  /** Runs this at once, or behind the claims that are under way. */
  write<T>(peer: string, run: () => Promise<T>): Promise<T> {
    const claims = this.#claims.get(peer);
    return claims === undefined ? run() : claims.then(run);
  }

  of(peer: string): Fence | undefined {
    return this.#fences.get(peer);
  }

  /** @param fence undefined: no client has it to itself */
  set(peer: string, fence: Fence | undefined): void {
    this.#fences.delete(peer);
    if (fence === undefined) return;
    this.#fences.set(peer, fence);
    const [oldest] = this.#fences.keys();
    if (this.#fences.size > this.#maxPeers && oldest !== undefined) this.#fences.delete(oldest);
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
  readonly fences: Fences;
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

/** A lease at the server. It fences the writes of its client against other clients. */
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

  /** For the requests that a later claim need not refuse. @throws HawserError `invalid_state` where it was never granted */
  get granted(): MailboxLease {
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
      const loss = why === "superseded" && this.isTaken ? "taken" : why;
      this.#ended();
      this.#loss = loss;
      this.#notify(() => this.#parts.holder.lost(loss));
    },
  };

  /** The mailbox was claimed. Where the client has given up waiting for it, it is given up again. */
  async grant(lease: MailboxLease): Promise<void> {
    const { run, peer } = this.#parts;
    this.#lease = lease;
    this.#gave(lease.first);
    if (run.stage === "ended" || !this.#isHeld) await lease.close();
    else run.leases.set(peer, this);
  }

  async read(...about: Parameters<MailboxLease["read"]>): Promise<readonly MailboxEntry[]> {
    const entries = await this.granted.read(...about);
    this.#gave(entries);
    return entries;
  }

  /** Runs behind the claims that are under way. */
  write<T>(run: (lease: MailboxLease) => Promise<T>): Promise<T> {
    return this.#parts.fences.write(this.peer, () => run(this.granted));
  }

  /** As `write`. @throws HawserError `superseded` where another client has claimed the mailbox since */
  writeFenced<T>(run: (lease: MailboxLease) => Promise<T>): Promise<T> {
    return this.write(async (lease) => {
      if (this.#isFenced) return run(lease);
      const message = `another client has claimed the mailbox of ${this.peer} since`;
      throw new HawserError("superseded", message, { agent: this.peer });
    });
  }

  /** As `writeFenced`, without an answer. */
  noteFenced(run: (lease: MailboxLease) => void): void {
    void this.write(async (lease) => {
      if (this.#isFenced) run(lease);
    });
  }

  close(): Promise<void> {
    this.#ended();
    this.#closing ??= this.#lease?.close();
    return this.#closing ?? Promise.resolve();
  }

  #ended(): void {
    const { leases } = this.#parts.run;
    this.#isHeld = false;
    if (leases.get(this.peer) === this) leases.delete(this.peer);
  }

  /** No other client has claimed the mailbox since the epoch of this lease. */
  get #isFenced(): boolean {
    const fence = this.#parts.fences.of(this.peer);
    return fence?.run === this.#parts.run && this.granted.epoch >= fence.since;
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
    // A client that purges what it holds counts for itself, before it is answered. For another one this is the most the holder can have sent.
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
