import { DEFAULT_WINDOW_BYTES, HawserError, type KnownStore } from "@hawser/protocol";
import type {
  Found,
  LeaseCallbacks,
  LeaseLoss,
  LeaseOptions,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
} from "@hawser/store";
import type { ReplySink } from "./event-answers.js";
import type { LinkOptions, LinkPeer } from "./link-options.js";
import { OutgoingTurns } from "./outgoing-turns.js";
import { ReadAhead } from "./read-ahead.js";
import type { Receiver } from "./receiver.js";
import { assertNotRolledBack, knownStore } from "./rollback-check.js";
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
  /** Name of the session. */
  readonly sessionId: string;
  /** What the peer runs. */
  readonly peerSoftware: string;
  /** Decides by what the store knows at the moment of the claim. It throws where the session is not to be. */
  readonly judge?: (found: Found) => void;
}

/** The link that an attachment is made for. */
export interface AttachmentHost extends SenderHost {
  /** Where the answers to events go. */
  readonly replies: ReplySink;
  /** The session is neither being closed nor has ended: there is something to attach. */
  isWanted(): boolean;
  /** `superseded`, `taken`: a newer session has the mailbox. Otherwise the session has to begin anew. */
  leaseLost(why: LeaseLoss): void;
}

/**
 * What one session has of the store: the mailbox of its peer to send from, and the inbox to receive into.
 *
 * In this package, this file alone opens mailboxes.
 */
export class Attachment {
  readonly peer: LinkPeer;
  readonly sender: Sender;
  readonly #lease: MailboxLease;
  readonly #replies: ReplySink;
  #hasJoined: boolean;

  /** @param hasJoined the store knows already that the peer has begun this session */
  constructor(peer: LinkPeer, lease: MailboxLease, sender: Sender, replies: ReplySink, hasJoined: boolean) {
    this.peer = peer;
    this.#lease = lease;
    this.sender = sender;
    this.#replies = replies;
    this.#hasJoined = hasJoined;
  }

  /** @throws HawserError `aborted` where the owner has closed the receiver */
  begin(peerStore: string): void {
    this.peer.receiver.attach({ peerStore, lease: this.#lease, sink: this.#replies });
    this.sender.start(this.#lease);
  }

  get epoch(): number {
    return this.#lease.epoch;
  }

  /** What this store knows of the one of the peer: nothing of one that the peer has lost, because the claim forgets that. */
  get known(): KnownStore | undefined {
    return knownStore(this.#lease.standing);
  }

  /** How many events of the peer are recorded by now. */
  get recorded(): number {
    return this.peer.receiver.recorded;
  }

  /** The peer sent an event, or an answer. It does so only after its store has recorded the session; a heartbeat may come before. */
  joined(): void {
    if (this.#hasJoined) return;
    this.#hasJoined = true;
    this.#lease.joined();
  }

  /** Writes what the peer has acknowledged, if that can be: losing it costs a resend. */
  async flush(): Promise<void> {
    await this.#lease.flush().catch(() => {});
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
 * @throws HawserError `store_rolled_back` where the peer proves it; what `judge` throws; those of `Store.open`; `aborted` where the receiver was closed
 */
export async function attach(
  options: LinkOptions,
  terms: AttachmentTerms,
  host: AttachmentHost,
): Promise<Attachment | undefined> {
  const { store, connection } = options;
  const { peer, peerStore, epoch, sessionId, peerSoftware } = terms;
  const { transport } = connection;
  const { address, internal = false } = connection.peer;
  const holder = { session: sessionId, transport, address, internal, software: peerSoftware };
  const sender = newSender(options, terms, host);
  const on = new LeaseEvents(peer.receiver, sender, host);
  let lease: MailboxLease;
  try {
    lease = await store.open(peer.name, holder, (found) => claimOf(options, terms, found, sender), on);
  } catch (thrown) {
    sender.stop();
    if (!(thrown instanceof HawserError) || thrown.code !== "superseded") throw thrown;
    on.lost("superseded");
    return undefined;
  }
  const attachment = new Attachment(peer, lease, sender, host.replies, epoch !== undefined);
  try {
    // The owner has closed the receiver of a link that has ended, or given it to the next one.
    if (on.isHeld && host.isWanted()) {
      attachment.begin(peerStore);
      return attachment;
    }
  } catch (thrown) {
    await attachment.release();
    throw thrown;
  }
  await attachment.release();
  return undefined;
}

/** What happens to a mailbox while a session holds it. The store has others to tell, so nothing is thrown at it. */
class LeaseEvents implements LeaseCallbacks {
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #host: AttachmentHost;
  #isHeld = true;

  constructor(receiver: Receiver, sender: Sender, host: AttachmentHost) {
    this.#receiver = receiver;
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

  more(position: number): void {
    try {
      this.#sender.more(position);
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

  lost(why: LeaseLoss): void {
    this.#isHeld = false;
    try {
      this.#receiver.lost(why);
      this.#host.leaseLost(why);
    } catch (thrown) {
      this.#host.fail(HawserError.from(thrown));
    }
  }
}

/**
 * What the mailbox is claimed with. The rollback check belongs into the claim, which forgets what it is judged by.
 *
 * @throws HawserError `store_rolled_back`, and what `judge` throws
 */
function claimOf(
  { connection }: LinkOptions,
  { side, peerStore, peerKnown, epoch, judge }: AttachmentTerms,
  found: Found,
  sender: Sender,
): LeaseOptions {
  judge?.(found);
  assertNotRolledBack({ side, found, peerStore, claim: peerKnown });
  // An agent remembers one store of its principal: with another one it began anew, and so it will with this one.
  const wasElsewhere = side === "principal" && peerKnown !== undefined && peerKnown.store !== found.store;
  const inboxForgotten = wasElsewhere && found.standing?.peer.store === peerStore;
  const withJson = connection.takesJson ?? false;
  const first = sender.first();
  return { peerStore, inboxForgotten, withJson, first, ...(epoch === undefined ? {} : { epoch }) };
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
