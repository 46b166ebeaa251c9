import {
  CONTROL_TYPE_PREFIX,
  HawserError,
  sizeOf,
  type CloudEvent,
  type Hello,
  type ValueSize,
} from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import type { AgentSession, Established, PrincipalSession, SessionEnd } from "@hawser/session";
import type { LeaseLoss } from "@hawser/store";
import type { Connection } from "@hawser/transport";
import { attach, type Attachment, type AttachmentHost, type AttachmentTerms } from "./attachment.js";
import { EventIntake } from "./event-intake.js";
import type { LinkOptions, LinkPeer } from "./link-options.js";
import type { Sender } from "./sender.js";
import { SessionDriver } from "./session-driver.js";

type LinkState =
  /** Until mailbox and inbox of the peer are open. */
  | { readonly name: "establishing"; readonly floor: number }
  | { readonly name: "open"; readonly attachment: Attachment }
  | { readonly name: "ended"; readonly floor: number; readonly unsettled: number };

/** The part of a link that both sides share: connection, session, mailbox and inbox. */
export abstract class Link<Session extends AgentSession | PrincipalSession> {
  readonly session: Session;
  protected readonly driver: SessionDriver<Session>;
  protected readonly intake: EventIntake;
  readonly #options: LinkOptions;
  #state: LinkState = { name: "establishing", floor: 0 };
  #isQuiesced = false;

  protected constructor(options: LinkOptions, session: Session) {
    this.#options = options;
    this.session = session;
    this.driver = new SessionDriver(
      { ...options, session },
      {
        message: (event) => this.#message(event),
        unreadable: (error, bytes) => this.#unreadable(error, bytes),
        rotationRequested: () => this.rotationRequested(),
        authenticate: (hello) => this.authenticate(hello),
        opened: (established) => this.opened(established),
        quiesce: () => this.#quiesce(),
        settled: (version) => this.attachment?.peer.receiver.settle(version),
        settledFloor: () => this.settledFloor,
        recorded: () => this.attachment?.recorded,
        flush: () => this.#flush(),
        ended: (end) => this.#ended(end),
      },
    );
    this.intake = new EventIntake(this.driver, options);
  }

  get connection(): Connection {
    return this.driver.connection;
  }

  /** Events of ours the peer has been sent and has not answered. */
  get inFlight(): number {
    return this.attachment?.sender.inFlight ?? 0;
  }

  /** Own events sent and not answered; after the end, those that will be resent. */
  get unsettled(): number {
    return this.#state.name === "ended" ? this.#state.unsettled : this.inFlight;
  }

  /** Every own version up to this one is settled: for heartbeats and the next hello. */
  get settledFloor(): number {
    return this.#state.name === "open"
      ? this.#state.attachment.sender.reader.settledFloor
      : this.#state.floor;
  }

  /** Closes with the code that fits the error; cuts the connection where even that throws. */
  fail(error: HawserError): void {
    this.driver.fail(error);
  }

  /** The session is open. */
  protected abstract opened(session: Established): Promise<void>;
  /** A newer session has the mailbox. */
  protected abstract superseded(): void;
  /** Quiesced, and nothing is in flight. Called again by each flush that finds it so. */
  protected abstract idle(attachment: Attachment): void;

  /** A hello came. Only principals are sent one. */
  protected async authenticate(_hello: Hello): Promise<void> {}

  /** The other end of the connection asks for a new one. */
  protected rotationRequested(): void {}

  /** An event came before there is a mailbox. */
  protected early(_event: CloudEvent | HawserError, _size: ValueSize): void {
    this.intake.mayReceive();
  }

  /** The session has ended; what it held of the store is released behind this. */
  protected left(): void {}

  /** Undefined before there is a mailbox, and after the end. */
  protected get attachment(): Attachment | undefined {
    return this.#state.name === "open" ? this.#state.attachment : undefined;
  }

  /** The session can still open a mailbox. A closing one must not supersede a live session. */
  protected get isWanted(): boolean {
    return this.#state.name === "establishing" && !this.session.isEnding;
  }

  protected now(): number {
    return this.#options.runtime.clock.now();
  }

  /** @param settled the floor of this side's mailbox as last known */
  protected begin(settled: number): void {
    this.#state = { name: "establishing", floor: settled };
    this.driver.start(settled);
  }

  /** Opens mailbox and inbox of the peer. Undefined where the session is not wanted any more. */
  protected async attach(terms: AttachmentTerms): Promise<Attachment | undefined> {
    if (!this.isWanted) return undefined;
    // The floor in the hello may belong to a store the peer has lost: it is unknown until the
    // mailbox is open.
    this.#state = { name: "establishing", floor: 0 };
    const attachment = await attach(this.#options, terms, this.#host());
    if (attachment === undefined) return undefined;
    this.#state = { name: "open", attachment };
    if (this.#isQuiesced) attachment.sender.quiesce();
    return attachment;
  }

  #host(): AttachmentHost {
    return {
      replies: this.driver,
      ready: () => this.driver.scheduleFlush(),
      fail: (error) => this.driver.fail(error),
      isWanted: () => this.isWanted,
      leaseLost: (why) => this.#leaseLost(why),
    };
  }

  #leaseLost(why: LeaseLoss): void {
    switch (why) {
      case "superseded":
      case "taken":
        this.superseded();
        return;
      case "resync":
      case "unreachable": {
        const what = "the store lost track of this mailbox; the session has to begin anew";
        this.driver.fail(new HawserError("store_unavailable", what));
      }
    }
  }

  /** Session and store are open: events flow. */
  protected tellOpened({ peer }: Attachment, session: Established): void {
    peer.receiver.settle(session.peerSettled);
    peer.observer?.opened?.(session);
    this.#options.onOpened?.(session);
    this.driver.scheduleFlush();
  }

  #message(event: CloudEvent): void {
    let size: ValueSize | undefined;
    try {
      if (event.type.startsWith(CONTROL_TYPE_PREFIX)) this.intake.control(event, this.attachment);
      else this.event(event, (size = sizeOf(event)));
    } catch (thrown) {
      this.driver.fail(HawserError.from(thrown));
    }
    const { onMessage } = this.#options;
    if (onMessage !== undefined) onMessage(event, (size ?? sizeOf(event)).bytes);
  }

  // An unreadable event is refused for good: a resend would not change it.
  #unreadable(error: HawserError, bytes: number): void {
    try {
      this.event(error, { bytes, heapBytes: bytes });
    } catch (thrown) {
      this.driver.fail(HawserError.from(thrown));
    }
    this.#options.onUnreadable?.(bytes);
  }

  /** @param event or what is wrong with one that cannot be read */
  protected event(event: CloudEvent | HawserError, size: ValueSize): void {
    switch (this.#state.name) {
      case "establishing":
        this.early(event, size);
        return;
      case "open":
        this.intake.event(event, size, this.#state.attachment);
        return;
      case "ended":
        return;
    }
  }

  /** Sends nothing new from here on. */
  #quiesce(): void {
    this.#isQuiesced = true;
    this.attachment?.sender.quiesce();
  }

  #flush(): number | undefined {
    this.#sender()?.pump(this.driver.outbound.event);
    const { attachment } = this;
    if (this.#isQuiesced && attachment !== undefined && attachment.sender.inFlight === 0)
      this.idle(attachment);
    return this.#sender()?.nextWakeAt();
  }

  // While the connection is full the writer has nothing due: `writable` flushes again.
  #sender(): Sender | undefined {
    return this.driver.outbound.writable && this.session.maySendEvents ? this.attachment?.sender : undefined;
  }

  async #ended(end: SessionEnd): Promise<void> {
    const { attachment } = this;
    this.#state = { name: "ended", floor: this.settledFloor, unsettled: this.inFlight };
    this.left();
    if (attachment !== undefined) {
      attachment.detach();
      this.#tellEnded(attachment.peer, end);
      await attachment.release().catch((thrown: unknown) => {
        // Only lazily recorded ACKs are lost with it, which costs a resend.
        this.driver.complain(thrown, "the mailbox could not be closed cleanly");
      });
    }
    this.#options.onEnded(end);
  }

  // An observer that throws must not keep the owner from connecting again.
  #tellEnded({ observer }: LinkPeer, end: SessionEnd): void {
    guarded(
      () => observer?.ended?.(end),
      (thrown) => this.driver.complain(thrown, "an observer threw as a session ended"),
    );
  }
}
