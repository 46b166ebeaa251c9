import { DEFAULT_WINDOW_BYTES, HawserError, type KnownStore } from "@hawser/protocol";
import type {
  InboxStore,
  LeaseCallbacks,
  LeaseOptions,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
  Standing,
  Store,
} from "@hawser/store";
import type { ReplySink } from "./event-answers.js";
import type { LinkOptions, LinkPeer } from "./link-options.js";
import { knownStore, olderCopy } from "./older-copy.js";
import { OutgoingTurns } from "./outgoing-turns.js";
import type { PeerInbox } from "./peer-inbox.js";
import { ReadAhead } from "./read-ahead.js";
import { Sender } from "./sender.js";
import type { SenderHost } from "./sender-options.js";

/** Whom a session is with, and what it begins from, as the hello or the welcome says. */
export interface AttachmentTerms {
  /** Which side this is. */
  readonly side: "agent" | "principal";
  readonly peer: LinkPeer;
  /** Name of the peer's store. */
  readonly peerStore: string;
  /** What the peer says of the store of this side. */
  readonly peerKnown: KnownStore | undefined;
  /** Un-ACKed events the peer accepts. */
  readonly peerWindow: number;
  /** Bytes of them; undefined when it names no limit. */
  readonly peerWindowBytes: number | undefined;
  /** Of the session, where the peer gave it. */
  readonly epoch?: number;
}

/** The link that an attachment is made for. */
export interface AttachmentHost extends SenderHost {
  /** Where the answers to events go. */
  readonly replies: ReplySink;
  /** The session is neither being closed nor has ended: there is something to attach. */
  isWanted(): boolean;
  /** `superseded`: a newer session has the mailbox. `resync`: the session has to begin anew. */
  leaseLost(why: "superseded" | "resync"): void;
}

/**
 * What one session has of the store: the mailbox of its peer to send from, and the inbox to receive into.
 *
 * In this package, this file alone opens mailboxes and loads inboxes.
 */
export class Attachment {
  readonly peer: LinkPeer;
  readonly sender: Sender;
  readonly #store: Store;
  readonly #lease: MailboxLease;
  readonly #replies: ReplySink;
  #hasJoined: boolean;

  /** @param hasJoined the store knows already that the peer has begun this session */
  constructor(
    store: Store,
    peer: LinkPeer,
    lease: MailboxLease,
    sender: Sender,
    replies: ReplySink,
    hasJoined: boolean,
  ) {
    this.#store = store;
    this.peer = peer;
    this.#lease = lease;
    this.sender = sender;
    this.#replies = replies;
    this.#hasJoined = hasJoined;
  }

  /** Reads what is there. False where the session is not wanted any more; `release` follows then, and after an error. */
  async begin(peerStore: string, isWanted: () => boolean): Promise<boolean> {
    const { name, receiver } = this.peer;
    const { inbox } = this.#store;
    if (isWanted()) await this.sender.start(this.#lease);
    const state = isWanted() && !receiver.isLoaded ? await inbox.load(name) : undefined;
    // The owner has closed the receiver of a link that has ended, or given it to the next one.
    if (!isWanted()) return false;
    receiver.attach({ peerStore, inbox: inboxOf(inbox, name), state, sink: this.#replies });
    return true;
  }

  get epoch(): number {
    return this.#lease.epoch;
  }

  /** What this store knows of the one of the peer: nothing of one that the peer has lost, because the claim forgets that. */
  get known(): KnownStore | undefined {
    return knownStore(this.#store.standing(this.peer.name));
  }

  /** How many events of the peer are recorded by now. */
  get recorded(): number {
    return this.#store.inbox.recorded(this.peer.name);
  }

  /** The peer sent an event, or an answer. It does so only after its store has recorded the session; a heartbeat may come before. */
  joined(): void {
    if (this.#hasJoined) return;
    this.#hasJoined = true;
    this.#store.inbox.joined(this.peer.name, this.epoch);
  }

  /** Nothing is sent, received or answered from here on. */
  detach(): void {
    this.sender.stop();
    this.peer.receiver.detach(this.#replies);
  }

  /** Gives the mailbox up. */
  async release(): Promise<void> {
    this.detach();
    await this.#lease.close();
  }
}

/**
 * Claims the mailbox of the peer, and makes sender and receiver ready. Undefined where the session is not wanted any more; what was
 * opened is closed again then, and after an error.
 *
 * @throws HawserError `store_rolled_back` where the peer proves it; those of `Store.open`; `aborted` where the receiver was closed
 */
export async function attach(
  options: LinkOptions,
  terms: AttachmentTerms,
  host: AttachmentHost,
): Promise<Attachment | undefined> {
  const { store, connection } = options;
  const { peer, peerStore, epoch } = terms;
  const { name } = peer;
  const claim = claimOf(options, terms, store.standing(name));
  const sender = newSender(options, terms, host);
  const on = new LeaseEvents(sender, host);
  const lease = await store.open(name, `${connection.transport} ${connection.peer.address}`, claim, on);
  const attachment = new Attachment(store, peer, lease, sender, host.replies, epoch !== undefined);
  try {
    if (await attachment.begin(peerStore, () => on.isHeld && host.isWanted())) return attachment;
  } catch (thrown) {
    await attachment.release();
    throw thrown;
  }
  await attachment.release();
  return undefined;
}

/** What happens to a mailbox while a session holds it. The store has others to tell, so nothing is thrown at it. */
class LeaseEvents implements LeaseCallbacks {
  readonly #sender: Sender;
  readonly #host: AttachmentHost;
  #isHeld = true;

  constructor(sender: Sender, host: AttachmentHost) {
    this.#sender = sender;
    this.#host = host;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  event(entry: MailboxEntry): void {
    try {
      this.#sender.entry(entry);
    } catch (thrown) {
      this.#host.fail(HawserError.from(thrown));
    }
  }

  purged(gone: readonly PurgedEntry[]): number {
    try {
      return this.#sender.purged(gone);
    } catch (thrown) {
      this.#host.fail(HawserError.from(thrown));
      return 0;
    }
  }

  lost(why: "superseded" | "resync"): void {
    this.#isHeld = false;
    try {
      this.#host.leaseLost(why);
    } catch (thrown) {
      this.#host.fail(HawserError.from(thrown));
    }
  }
}

/**
 * What the mailbox is claimed with. The rollback check comes before the claim, which forgets what it is judged by.
 *
 * @throws HawserError `store_rolled_back`
 */
function claimOf(
  { store, connection }: LinkOptions,
  { side, peerStore, peerKnown, epoch }: AttachmentTerms,
  standing: Standing | undefined,
): LeaseOptions {
  const { id, forgotten } = store;
  const error = olderCopy({ side, store: id, standing, forgotten, peerStore, claim: peerKnown });
  if (error !== undefined) throw error;
  // An agent remembers one store of its principal: with another one it began anew, and so it will with this one.
  const wasElsewhere = side === "principal" && peerKnown !== undefined && peerKnown.store !== id;
  const inboxForgotten = wasElsewhere && standing?.peer.store === peerStore;
  const withJson = connection.takesJson ?? false;
  return { peerStore, inboxForgotten, withJson, ...(epoch === undefined ? {} : { epoch }) };
}

// A peer that accepts more than this side wants to have in flight does not make it hold more.
function newSender(options: LinkOptions, terms: AttachmentTerms, host: SenderHost): Sender {
  const { runtime, resend, windowBytes, readAhead, turns } = options;
  const { peerWindow, peerWindowBytes = Number.POSITIVE_INFINITY, peer } = terms;
  const { observer } = peer;
  const own = windowBytes === undefined ? {} : { sessionBytes: windowBytes };
  return new Sender(
    {
      runtime,
      window: peerWindow,
      windowBytes: Math.min(peerWindowBytes, windowBytes ?? DEFAULT_WINDOW_BYTES),
      readAhead: readAhead ?? new ReadAhead(own),
      turns: turns ?? new OutgoingTurns(runtime),
      ...(resend === undefined ? {} : { resend }),
      ...(observer === undefined ? {} : { observer }),
    },
    host,
  );
}

/** The inbox of one peer. */
export function inboxOf(inbox: InboxStore, peer: string): PeerInbox {
  return {
    use: () => inbox.use(peer),
    begin: (batch) => inbox.begin(peer, batch),
    record: (batch) => inbox.record(peer, batch),
    settle: (version) => inbox.settle(peer, version),
  };
}
