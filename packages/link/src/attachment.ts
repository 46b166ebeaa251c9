import { DEFAULT_WINDOW_BYTES, HawserError, type KnownStore } from "@hawser/protocol";
import { defined, guarded } from "@hawser/runtime";
import type { Established } from "@hawser/session";
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
import type { MailboxReader } from "./mailbox-reader.js";
import { OutgoingTurns } from "./outgoing-turns.js";
import { ReadAhead } from "./read-ahead.js";
import type { Receiver } from "./receiver.js";
import { assertNotRolledBack, knownStore } from "./rollback-check.js";
import { Sender } from "./sender.js";
import type { SenderHost } from "./sender-options.js";

type PeerTerms = "peerStore" | "peerKnown" | "peerWindow" | "peerWindowBytes" | "peerSoftware";

/** Peer and terms of a session. The `Established` of an agent has all but `peer`. */
export interface AttachmentTerms extends Pick<Established, PeerTerms | "role" | "sessionId"> {
  readonly peer: LinkPeer;
  /** Of the session, where the peer gave it. */
  readonly epoch?: number;
  /** Decides by the store's state at the claim. It throws to refuse the session. */
  readonly judge?: (found: Found) => void;
}

/** The link that an attachment is made for. */
export interface AttachmentHost extends SenderHost {
  /** Where the answers to events go. */
  readonly replies: ReplySink;
  /** The session is neither closing nor ended. */
  isWanted(): boolean;
  /** `superseded`, `taken`: a newer session has the mailbox. Otherwise this session ends. */
  leaseLost(why: LeaseLoss): void;
}

/**
 * One session's part of the store: the mailbox of its peer and the inbox. In this package, only
 * this file opens mailboxes.
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

  /** What this store knows of the peer's. The claim has forgotten a store that the peer lost. */
  get known(): KnownStore | undefined {
    return knownStore(this.#lease.standing);
  }

  /** How many events of the peer are recorded by now. */
  get recorded(): number {
    return this.peer.receiver.recorded;
  }

  /** An event or an answer proves that the peer recorded the session; a heartbeat does not. */
  joined(): void {
    if (this.#hasJoined) return;
    this.#hasJoined = true;
    this.#lease.joined();
  }

  /** Writes the peer's acknowledgements if possible; losing them costs a resend. */
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
 * Claims the mailbox of the peer, and makes sender and receiver ready. Undefined where the session
 * is not wanted any more; then, and after an error, the lease is closed again.
 *
 * @throws HawserError `store_rolled_back` where the peer proves it; what `judge` throws; those of
 *   `Store.open`; `aborted` where the receiver was closed
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
  const on = new LeaseEvents(peer.receiver, sender.reader, host);
  let lease: MailboxLease;
  try {
    lease = await store.open(peer.name, holder, (found) => claimOf(options, terms, found, sender.reader), on);
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

// The store's calls while a session holds the mailbox. An error ends the session only.
class LeaseEvents implements LeaseCallbacks {
  readonly #receiver: Receiver;
  readonly #reader: MailboxReader;
  readonly #host: AttachmentHost;
  #isHeld = true;

  constructor(receiver: Receiver, reader: MailboxReader, host: AttachmentHost) {
    this.#receiver = receiver;
    this.#reader = reader;
    this.#host = host;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  event(entry: MailboxEntry): void {
    this.#guarded(() => this.#reader.entry(entry));
  }

  more(position: number): void {
    this.#guarded(() => this.#reader.more(position));
  }

  purged(gone: readonly PurgedEntry[]): number {
    let inFlight = 0;
    this.#guarded(() => (inFlight = this.#reader.purged(gone)));
    return inFlight;
  }

  lost(why: LeaseLoss): void {
    this.#isHeld = false;
    this.#guarded(() => {
      this.#receiver.lost(why);
      this.#host.leaseLost(why);
    });
  }

  #guarded(step: () => void): void {
    guarded(step, (thrown) => this.#host.fail(HawserError.from(thrown)));
  }
}

/**
 * The options of the claim. The rollback check runs inside it, because the claim forgets the
 * evidence.
 *
 * @throws HawserError `store_rolled_back`, and what `judge` throws
 */
function claimOf(
  { connection }: LinkOptions,
  { role: side, peerStore, peerKnown, epoch, judge }: AttachmentTerms,
  found: Found,
  reader: MailboxReader,
): LeaseOptions {
  judge?.(found);
  assertNotRolledBack({ side, found, peerStore, claim: peerKnown });
  // An agent remembers only one store of its principal, and forgot its inbox with the other.
  const wasElsewhere = side === "principal" && peerKnown !== undefined && peerKnown.store !== found.store;
  const inboxForgotten = wasElsewhere && found.standing?.peer.store === peerStore;
  const withJson = connection.takesJson ?? false;
  const first = reader.first();
  return { peerStore, inboxForgotten, withJson, first, ...defined({ epoch }) };
}

// A peer that accepts more than this side wants to have in flight does not make it hold more.
function newSender(options: LinkOptions, terms: AttachmentTerms, host: SenderHost): Sender {
  const { runtime, resend, windowBytes, readAhead, turns } = options;
  const { peerWindow, peerWindowBytes = Number.POSITIVE_INFINITY, peer } = terms;
  const { observer } = peer;
  return new Sender(
    {
      runtime,
      window: peerWindow,
      windowBytes: Math.min(peerWindowBytes, windowBytes ?? DEFAULT_WINDOW_BYTES),
      readAhead: readAhead ?? new ReadAhead(defined({ sessionBytes: windowBytes })),
      turns: turns ?? new OutgoingTurns(runtime),
      ...defined({ resend, observer }),
    },
    host,
  );
}
