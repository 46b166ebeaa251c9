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
  /** The other end of the connection wants it replaced: time for `retire`. Told once the session is open, and once. */
  readonly onRetiring?: () => void;
}

/**
 * The agent's end of one connection: binds it to a session, and to the mailbox and the inbox of the principal.
 *
 * The store is opened for the welcome. Events that arrive meanwhile are kept; the window bounds them.
 */
export class AgentLink extends Link<AgentSession> {
  readonly #options: AgentLinkOptions;
  readonly #early: EarlyEvents;
  /** The connection is to be replaced, and nobody has been told. */
  #isRetiring = false;

  constructor(options: AgentLinkOptions) {
    super(options, options.session);
    this.#options = options;
    this.#early = new EarlyEvents(options.windowBytes ?? DEFAULT_WINDOW_BYTES);
  }

  /** Begins to read and write. `settled` is the floor of this side's mailbox as last known (0 when it is not). */
  start(settled = 0): void {
    this.begin(settled);
  }

  /** Begins to leave. */
  goodbye(reason: Goodbye["reason"]): void {
    this.driver.perform(this.session.goodbye(reason, this.now()));
  }

  /** The connection is renewed now, as the other end of it wants, and its loss is no failure any more. */
  retire(): void {
    this.driver.perform(this.session.retire(this.now()));
  }

  protected async opened(session: Established): Promise<void> {
    const attached = await this.attach({ ...session, peer: this.#options.peer });
    if (attached === undefined) return;
    for (const { event, size } of this.#early.take()) this.event(event, size);
    const { attachment } = this;
    if (attachment === undefined) return;
    this.tellOpened(attachment, session);
    this.#tellRetiring();
  }

  protected override early(event: CloudEvent | HawserError, size: ValueSize): void {
    if (!this.intake.mayReceive()) return;
    this.#early.keep(event, size);
    this.intake.checkWindow(this.#early.count, this.#early.bytes);
  }

  protected override retiring(): void {
    this.#isRetiring = true;
    this.#tellRetiring();
  }

  #tellRetiring(): void {
    if (!this.#isRetiring || this.attachment === undefined) return;
    this.#isRetiring = false;
    this.#options.onRetiring?.();
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
