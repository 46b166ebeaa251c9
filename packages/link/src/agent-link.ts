import {
  DEFAULT_WINDOW_BYTES,
  HawserError,
  type CloudEvent,
  type Goodbye,
  type ValueSize,
} from "@hawser/protocol";
import type { AgentSession, Established } from "@hawser/session";
import type { Attachment } from "./attachment.js";
import { EarlyEvents } from "./early-events.js";
import { Link } from "./link.js";
import type { LinkOptions, LinkPeer } from "./link-options.js";

/** What an `AgentLink` binds together. */
export interface AgentLinkOptions extends LinkOptions {
  readonly session: AgentSession;
  /** The principal. */
  readonly peer: LinkPeer;
  /** The other end asks for a new connection. Called once, after the session has opened. */
  readonly onRotationRequested?: () => void;
}

/**
 * The agent's end of one connection: binds it to a session, and to the mailbox and the inbox of the
 * principal.
 *
 * The store is opened for the welcome. Events that arrive meanwhile are kept; the window bounds
 * them.
 */
export class AgentLink extends Link<AgentSession> {
  readonly #options: AgentLinkOptions;
  readonly #early: EarlyEvents;
  /** `onRotationRequested` is due. */
  #isRotationRequested = false;

  constructor(options: AgentLinkOptions) {
    super(options, options.session);
    this.#options = options;
    this.#early = new EarlyEvents(options.windowBytes ?? DEFAULT_WINDOW_BYTES);
  }

  /** Begins to read and write. `settled`: the known floor of the own mailbox, or 0. */
  start(settled = 0): void {
    this.begin(settled);
  }

  /** Begins to leave. */
  goodbye(reason: Goodbye["reason"]): void {
    this.driver.perform(this.session.goodbye(reason, this.now()));
  }

  /** Rotates now, as the other end asks; the loss of this connection is no failure. */
  rotateOnRequest(): void {
    this.driver.perform(this.session.rotateOnRequest(this.now()));
  }

  protected async opened(session: Established): Promise<void> {
    const attached = await this.attach({ ...session, peer: this.#options.peer });
    if (attached === undefined) return;
    for (const { event, size } of this.#early.take()) this.event(event, size);
    const { attachment } = this;
    if (attachment === undefined) return;
    this.tellOpened(attachment, session);
    this.#requestRotation();
  }

  protected override early(event: CloudEvent | HawserError, size: ValueSize): void {
    if (!this.intake.mayReceive()) return;
    this.#early.keep(event, size);
    this.intake.checkWindow(this.#early.count, this.#early.bytes);
  }

  protected override rotationRequested(): void {
    this.#isRotationRequested = true;
    this.#requestRotation();
  }

  #requestRotation(): void {
    if (!this.#isRotationRequested || this.attachment === undefined) return;
    this.#isRotationRequested = false;
    this.#options.onRotationRequested?.();
  }

  protected idle({ peer }: Attachment): void {
    if (peer.receiver.applying > 0) return;
    const outputs = this.session.idle(this.now());
    if (outputs.length > 0) this.driver.perform(outputs);
  }

  protected superseded(): void {
    this.connection.terminate(new HawserError("superseded", "a newer connection of this agent took over"));
  }

  protected override left(): void {
    this.#early.take();
  }
}
