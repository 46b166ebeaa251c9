import type { LinkObserver, PrincipalLink, Receiver } from "@hawser/link";
import type { HawserError } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import type { Established, SessionEnd } from "@hawser/session";
import type { AgentRates } from "./agent-rates.js";
import { HelloRates } from "./hello-rates.js";

/** Of one agent at once: a session, and the one that it took over. */
const MAX_CONNECTIONS = 2;

/** A session that is open here. */
export interface LiveSession {
  readonly link: PrincipalLink;
  readonly session: Established;
  /** Monotonic and Unix milliseconds. */
  readonly openedAtMs: number;
  readonly connectedAt: number;
}

/** What this process knows of one agent beside its mailbox. */
export class AgentPresence {
  readonly name: string;
  /** Absent while the agent is away and nothing of it is being applied: an inbox takes memory. */
  receiver: Receiver | undefined;
  live: LiveSession | undefined;
  /** How much it has sent lately, over all its sessions. */
  rates: AgentRates | undefined;
  /** How often it said hello lately. */
  #hellos: HelloRates | undefined;
  lastAckAt: number | undefined;
  /** Why it is here, or is not here any more; undefined before its first session. */
  reason: string | undefined;
  readonly #clock: Clock;
  /** When it was heard from last, before the session that is open now; Unix milliseconds. */
  #seenAt: number | undefined;
  /** Connections that were let in and have not ended: what may use the receiver. */
  readonly #admitted = new Set<PrincipalLink>();
  /** Wait until none of them is left. */
  readonly #onAlone: (() => void)[] = [];

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  /**
   * Counts a hello; false when it is one too many.
   *
   * @param beginsAnew its store is another one than the time before, or has lost its content
   */
  mayOpen(beginsAnew: boolean): boolean {
    const now = this.#clock.now();
    return (this.#hellos ??= new HelloRates(now)).take(beginsAnew, now);
  }

  /**
   * Answers the connections that are too many now, oldest first: whoever takes a session over again
   * and again would leave each of them its grace to close.
   */
  admitted(link: PrincipalLink): readonly PrincipalLink[] {
    this.#admitted.add(link);
    this.#seenAt = this.#clock.wallTime();
    return [...this.#admitted].slice(0, -MAX_CONNECTIONS);
  }

  opened(link: PrincipalLink, session: Established): void {
    const connectedAt = this.#clock.wallTime();
    this.live = { link, session, openedAtMs: this.#clock.now(), connectedAt };
    this.reason = `connected by ${link.connection.transport} from ${link.connection.peer.address}`;
  }

  /** Ends all its connections; resolves when they are gone. */
  letGo(error: HawserError): Promise<void> {
    if (this.#admitted.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onAlone.push(resolve);
      for (const link of this.#admitted) link.fail(error);
    });
  }

  /** True when the session that ended was the current one, and not one that had been taken over. */
  ended(link: PrincipalLink, end: SessionEnd): boolean {
    this.#admitted.delete(link);
    if (this.#admitted.size === 0) for (const resolve of this.#onAlone.splice(0)) resolve();
    if (this.live !== undefined && this.live.link !== link) return false;
    this.live = undefined;
    this.#seenAt = this.#heardAt(link) ?? this.#seenAt;
    this.reason = describeEnd(end);
    this.#forgetReceiver();
    // What is still being applied keeps it, but not for ever.
    void this.receiver?.idle().then(() => this.#forgetReceiver());
    return true;
  }

  // The next connection may have been let in before the one before it was through with its end.
  #forgetReceiver(): void {
    if (this.#admitted.size > 0 || this.receiver === undefined || this.receiver.applying > 0) return;
    this.receiver.close();
    this.receiver = undefined;
  }

  /** Unix milliseconds at which anything was heard from it last; undefined when nothing was since this principal started. */
  get lastSeenAt(): number | undefined {
    return (this.live && this.#heardAt(this.live.link)) ?? this.#seenAt;
  }

  #heardAt({ session: { heardAtMs } }: PrincipalLink): number | undefined {
    return heardAtMs === undefined ? undefined : this.#clock.wallTime() - (this.#clock.now() - heardAtMs);
  }

  /** Keeps what people see up to date, and passes everything on. */
  observe(observer: LinkObserver | undefined): LinkObserver {
    return {
      ...observer,
      acked: (event) => {
        this.lastAckAt = this.#clock.wallTime();
        observer?.acked?.(event);
      },
    };
  }
}

/** What the agent did, or what was done to it: the agent is the subject of the sentence. */
function describeEnd(end: SessionEnd): string {
  switch (end.kind) {
    case "rotated":
      return "closed its connection to renew it";
    case "clean":
      return "closed its connection cleanly";
    case "drained":
      return "was asked to go and come back later";
    case "retryAfter":
      return "was told to come back later";
    case "refused":
      // Once a session is open, it is the agent that finds something to refuse.
      return (
        (end.openedAtMs === undefined ? undefined : closedByAgent(end)) ?? `was refused: ${end.error.message}`
      );
    case "superseded":
      return "was taken over by a newer connection";
    case "failed":
      return closedByAgent(end) ?? describeFailure(end.error);
  }
}

function closedByAgent({ transport }: SessionEnd): string | undefined {
  if (transport.kind === "lost" || transport.by === "local") return undefined;
  return `closed its connection with ${transport.code}${transport.reason === "" ? "" : `: ${transport.reason}`}`;
}

/** Every error but that of a connection which broke off is one for which this side ends a session. */
function describeFailure({ code, message }: HawserError): string {
  if (code === "connection_closed") return `lost its connection: ${message}`;
  return `had its session ended by the principal (${code}): ${message}`;
}
