import {
  DEFAULT_WINDOW_BYTES,
  HawserError,
  type CloudEvent,
  type Hello,
  type KnownStore,
  type ValueSize,
} from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import type { Established, SessionOutput } from "@hawser/session";
import type { LeaseOptions, MailboxLease } from "@hawser/store";
import type { LinkOptions, LinkPeer } from "./link-options.js";
import type { LinkSession } from "./link-session.js";
import { knownStore, olderCopy } from "./older-copy.js";
import { OutgoingTurns } from "./outgoing-turns.js";
import { ReadAhead } from "./read-ahead.js";
import { maxApplyingMemory, tooMuchMemory, type ReplySink } from "./receiver.js";
import { Sender, type SenderHost } from "./sender.js";

/** What is there once the peer is known: its mailbox to send from, its inbox to receive into. */
export interface AttachedPeer {
  readonly peer: LinkPeer;
  readonly sender: Sender;
  readonly lease: MailboxLease;
}

/** What is sent at most without an answer. */
interface PeerWindow {
  readonly events: number;
  readonly bytes: number;
}

/** Whom a session is opened with, and what it begins from. */
interface Attachment {
  readonly peer: LinkPeer;
  readonly store: string;
  readonly window: PeerWindow;
  /** Of the session, where the peer gave it. */
  readonly epoch?: number;
  /** The peer has been with another store of this side since. */
  readonly inboxForgotten?: boolean;
}

/** What a handshake needs of its link. */
export interface HandshakeHost extends SenderHost {
  /** Where the answers to events go. */
  readonly sink: ReplySink;
  perform(outputs: readonly SessionOutput[]): void;
  leaseLost(why: "superseded" | "resync"): void;
  /** Events may flow from here on. `early` came before, in order. */
  attached(attached: AttachedPeer, early: readonly (CloudEvent | HawserError)[]): void;
}

/**
 * From the first frame until mailbox and inbox of the peer are open. A principal opens them for the hello it accepted, an agent for the welcome it got; events
 * that arrive meanwhile are kept.
 */
export class Handshake<Session extends LinkSession> {
  readonly #options: LinkOptions<Session>;
  readonly #host: HandshakeHost;
  #early: (CloudEvent | HawserError)[] = [];
  #earlyBytes = 0;
  #earlyHeapBytes = 0;
  #state: "under way" | "done" | "abandoned" = "under way";

  constructor(options: LinkOptions<Session>, host: HandshakeHost) {
    this.#options = options;
    this.#host = host;
  }

  /** Events kept so far. */
  get earlyCount(): number {
    return this.#early.length;
  }

  /** Bytes of them. */
  get earlyBytes(): number {
    return this.#earlyBytes;
  }

  /** @param event or what is wrong with it */
  keep(event: CloudEvent | HawserError, { bytes, heapBytes }: ValueSize): void {
    this.#earlyBytes += bytes;
    const most = maxApplyingMemory(this.#options.windowBytes);
    if (
      this.#early.length > 0 &&
      this.#earlyHeapBytes + heapBytes > most &&
      !(event instanceof HawserError)
    ) {
      // Of one that takes too much beside the others, its name is enough to refuse it for now.
      this.#early.push(tooMuchMemory(keyOf(event)));
      return;
    }
    this.#early.push(event);
    this.#earlyHeapBytes += heapBytes;
  }

  /** The link has ended: what is still being opened is closed again. */
  abandon(): void {
    this.#state = "abandoned";
    this.#early = [];
  }

  /** Answers a hello. A principal claims the mailbox before it says welcome: with the welcome, the epoch is final. */
  async answer(hello: Hello): Promise<void> {
    const { door, session } = this.#options;
    if (door === undefined) throw new HawserError("internal", "this side does not accept sessions");
    try {
      const admission = await door.admit(hello);
      if (!this.#isUnderWay) return;
      if (admission.kind === "refused") {
        this.#host.perform(door.refuse(session, admission.error, admission.retryAfterMs));
        return;
      }
      const { sessionId, peer } = admission;
      const { store } = hello;
      const window = this.#windowOf(hello.window, hello.window_bytes);
      this.#assertPresent("principal", peer, store, hello.known);
      const inboxForgotten = this.#wasElsewhere(peer, hello);
      const attached = await this.#attach({ peer, store, window, inboxForgotten });
      if (attached === undefined) return;
      const { epoch } = attached.lease;
      const settled = attached.sender.settledFloor;
      // Behind the claim: of a store that the agent has lost nothing is known any more.
      const known = knownStore(this.#options.store.standing(peer.name));
      this.#host.perform(door.accept(session, { sessionId, epoch, settled, known }));
    } catch (thrown) {
      this.#host.perform(door.refuse(session, HawserError.from(thrown), undefined));
    }
  }

  /** The session is open: an agent makes ready for its principal, on a principal everything is. */
  async complete({ peerStore, peerWindow, peerWindowBytes, peerKnown, epoch }: Established): Promise<void> {
    const { peer } = this.#options;
    if (peer === undefined) return;
    try {
      this.#assertPresent("agent", peer, peerStore, peerKnown);
      const window = this.#windowOf(peerWindow, peerWindowBytes);
      await this.#attach({ peer, store: peerStore, window, epoch });
    } catch (thrown) {
      this.#host.fail(HawserError.from(thrown));
    }
  }

  // Before the mailbox is claimed: that forgets by what an older copy is found out.
  #assertPresent(
    side: "agent" | "principal",
    peer: LinkPeer,
    peerStore: string,
    claim: KnownStore | undefined,
  ): void {
    const { store } = this.#options;
    const standing = store.standing(peer.name);
    const error = olderCopy({
      side,
      store: store.id,
      standing,
      forgotten: store.forgotten,
      peerStore,
      claim,
    });
    if (error !== undefined) throw error;
  }

  // An agent remembers one store of its principal: with another one it began anew, and so it will with this one.
  #wasElsewhere(peer: LinkPeer, { store, known }: Hello): boolean {
    const own = this.#options.store;
    return known !== undefined && known.store !== own.id && own.standing(peer.name)?.peer.store === store;
  }

  /** Undefined when the session is ending. */
  async #attach({
    peer,
    store,
    window,
    epoch,
    inboxForgotten = false,
  }: Attachment): Promise<AttachedPeer | undefined> {
    if (!this.#isUnderWay) return undefined;
    const host = this.#host;
    const sender = this.#newSender(peer, window);
    let lease: MailboxLease | undefined;
    const release = async (): Promise<void> => {
      peer.receiver.detach(host.sink);
      sender.stop();
      await lease?.close();
    };
    try {
      const claim = { peerStore: store, inboxForgotten, ...(epoch === undefined ? {} : { epoch }) };
      lease = await this.#claim(peer, claim, sender);
      if (this.#isUnderWay) await sender.start(lease);
      // The owner has closed the receiver of a link that has ended, or given it to the next one.
      if (this.#isUnderWay) await peer.receiver.attach(store, host.sink);
    } catch (thrown) {
      await release();
      throw thrown;
    }
    if (!this.#isUnderWay) {
      await release();
      return undefined;
    }
    this.#state = "done";
    const attached = { peer, sender, lease };
    host.attached(attached, this.#early);
    this.#early = [];
    return attached;
  }

  // A session that is being closed, by its deadline for instance, waits for its peer to close as well. Were the mailbox claimed for it, it would end a session that is well.
  get #isUnderWay(): boolean {
    return this.#state === "under way" && !this.#options.session.isEnding;
  }

  // The store has others to tell.
  #guarded(step: () => void): void {
    guarded(step, (thrown) => this.#host.fail(HawserError.from(thrown)));
  }

  // A peer that accepts more than this side wants to have in flight does not make it hold more.
  #windowOf(events: number, bytes = Number.POSITIVE_INFINITY): PeerWindow {
    return { events, bytes: Math.min(bytes, this.#options.windowBytes ?? DEFAULT_WINDOW_BYTES) };
  }

  #newSender(peer: LinkPeer, window: PeerWindow): Sender {
    const { runtime, resend, windowBytes, readAhead, turns } = this.#options;
    const { observer } = peer;
    const own = windowBytes === undefined ? {} : { sessionBytes: windowBytes };
    const options = {
      runtime,
      window: window.events,
      windowBytes: window.bytes,
      readAhead: readAhead ?? new ReadAhead(own),
      turns: turns ?? new OutgoingTurns(runtime),
      ...(resend === undefined ? {} : { resend }),
      ...(observer === undefined ? {} : { observer }),
    };
    return new Sender(options, this.#host);
  }

  #claim(peer: LinkPeer, options: LeaseOptions, sender: Sender): Promise<MailboxLease> {
    const { store, connection } = this.#options;
    const holder = `${connection.transport} ${connection.peer.address}`;
    const withJson = connection.takesJson ?? false;
    return store.open(
      peer.name,
      holder,
      { ...options, withJson },
      {
        event: (entry) => this.#guarded(() => sender.entry(entry)),
        purged: (gone) => {
          let inFlight = 0;
          this.#guarded(() => (inFlight = sender.purged(gone)));
          return inFlight;
        },
        lost: (why) => this.#guarded(() => this.#host.leaseLost(why)),
      },
    );
  }
}

function keyOf({ resourceid, eventid }: CloudEvent): { resource_id?: string; event_id?: string } {
  if (typeof resourceid !== "string" || typeof eventid !== "string") return {};
  return { resource_id: resourceid, event_id: eventid };
}
