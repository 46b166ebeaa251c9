import { HawserError, type Hello } from "@hawser/protocol";
import type { DrainOrder, Established, PrincipalSession } from "@hawser/session";
import type { Found } from "@hawser/store";
import type { Attachment } from "./attachment.js";
import { Link } from "./link.js";
import type { LinkOptions, LinkPeer } from "./link-options.js";
import type { SenderTurn } from "./sender-turn.js";

/** How a principal answers a hello. */
export type Admission = Admitted | Refusal;

/** There is to be a session, unless the store says otherwise. */
export interface Admitted {
  readonly kind: "accepted";
  readonly peer: LinkPeer;
  readonly sessionId: string;
  /**
   * Asked inside the claim with what the store knows then, and again where the store tries it again.
   *
   * @default no objection
   */
  readonly objection?: (found: Found) => Refusal | undefined;
}

/** There is to be no session now, and none before so many milliseconds. */
export interface Refusal {
  readonly kind: "refused";
  readonly error: HawserError;
  readonly retryAfterMs?: number;
}

/** What a `PrincipalLink` binds together. */
export interface PrincipalLinkOptions extends LinkOptions {
  readonly session: PrincipalSession;
  /** Decides on a hello. Where it rejects, the agent is refused with that error. */
  readonly admit: (hello: Hello) => Promise<Admission>;
}

/**
 * The principal's end of one connection: binds it to a session, and to the mailbox and the inbox of
 * the agent that says hello.
 *
 * The mailbox is claimed before the welcome: with the welcome, the epoch is final.
 */
export class PrincipalLink extends Link<PrincipalSession> {
  readonly #options: PrincipalLinkOptions;
  /** Waits for the last answer after `quiesce`. */
  #onIdle: (() => void) | undefined;

  constructor(options: PrincipalLinkOptions) {
    super(options, options.session);
    this.#options = options;
  }

  /** Begins to read and write. */
  start(): void {
    this.begin(0);
  }

  /** What the next own event of a resource waits for; undefined where none is known. */
  turnOf(resourceid: string): SenderTurn | undefined {
    return this.attachment?.sender.reader.turnOf(resourceid);
  }

  /** Sends nothing new. `onIdle` is called once, when nothing is in flight or the link ended. */
  quiesce(onIdle: () => void): void {
    this.#onIdle = onIdle;
    this.driver.perform([{ kind: "quiesce" }]);
  }

  /** Asks the agent to leave, and to come back at its slot. */
  drain(order: DrainOrder): void {
    this.driver.perform(this.session.drain(order, this.now()));
  }

  protected override async authenticate(hello: Hello): Promise<void> {
    try {
      await this.#answer(hello);
    } catch (thrown) {
      this.#refuse(HawserError.from(thrown), undefined);
    }
  }

  async #answer(hello: Hello): Promise<void> {
    const admission = await this.#options.admit(hello);
    if (!this.isWanted) return;
    if (admission.kind === "refused") {
      this.#refuse(admission.error, admission.retryAfterMs);
      return;
    }
    const attachment = await this.#claim(hello, admission);
    if (attachment === undefined) return;
    this.connection.trust();
    const { sessionId } = admission;
    const { epoch, known, sender } = attachment;
    const acceptance = { sessionId, epoch, settled: sender.reader.settledFloor, known };
    this.driver.perform(this.session.accept(acceptance, this.now()));
  }

  /** Undefined where there is to be no session. */
  async #claim(hello: Hello, { peer, sessionId, objection }: Admitted): Promise<Attachment | undefined> {
    let refusal: Refusal | undefined;
    try {
      return await this.attach({
        role: "principal",
        peer,
        peerStore: hello.store,
        peerKnown: hello.known,
        peerWindow: hello.window,
        peerWindowBytes: hello.window_bytes,
        sessionId,
        peerSoftware: hello.software,
        judge: (found) => {
          refusal = objection?.(found);
          if (refusal !== undefined) throw refusal.error;
        },
      });
    } catch (thrown) {
      if (refusal === undefined) throw thrown;
      this.#refuse(refusal.error, refusal.retryAfterMs);
      return undefined;
    }
  }

  #refuse(error: HawserError, retryAfterMs: number | undefined): void {
    this.driver.perform(this.session.refuse(error, retryAfterMs, this.now()));
  }

  protected async opened(session: Established): Promise<void> {
    const { attachment } = this;
    if (attachment !== undefined) this.tellOpened(attachment, session);
  }

  protected superseded(): void {
    this.driver.perform(this.session.superseded(this.now()));
  }

  protected idle(): void {
    const onIdle = this.#onIdle;
    this.#onIdle = undefined;
    onIdle?.();
  }

  protected override left(): void {
    this.idle();
  }
}
