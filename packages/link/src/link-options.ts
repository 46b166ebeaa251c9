import type { ResendTiming } from "@hawser/delivery";
import type { HawserError, Hello } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { Established, SessionEnd, SessionOutput } from "@hawser/session";
import type { Store } from "@hawser/store";
import type { Connection } from "@hawser/transport";
import type { LinkObserver } from "./link-observer.js";
import type { LinkSession } from "./link-session.js";
import type { Receiver } from "./receiver.js";

/** Who is at the other end, once that is known: on an agent from the start, on a principal from the accepted hello. */
export interface LinkPeer {
  /** The name its mailbox and inbox have in the store. */
  readonly name: string;
  readonly receiver: Receiver;
  readonly observer?: LinkObserver;
}

/** How a principal answers a hello. */
export type Admission =
  | { readonly kind: "accepted"; readonly peer: LinkPeer; readonly sessionId: string }
  | { readonly kind: "refused"; readonly error: HawserError; readonly retryAfterMs?: number };

/** What a principal does with a hello. */
export interface LinkDoor<Session extends LinkSession> {
  admit(hello: Hello): Promise<Admission>;
  accept(session: Session, params: { sessionId: string; epoch: number; settled: number }): SessionOutput[];
  refuse(session: Session, error: HawserError, retryAfterMs: number | undefined): SessionOutput[];
  /** Another session of the same agent took the mailbox over. */
  superseded(session: Session): SessionOutput[];
}

export interface LinkOptions<Session extends LinkSession> {
  readonly runtime: Runtime;
  readonly connection: Connection;
  readonly session: Session;
  readonly store: Store;
  /** The CloudEvents `source` of this side's control messages. */
  readonly source: string;
  /** Un-ACKed events this side accepts, as its hello or welcome says. */
  readonly window: number;
  readonly resend?: Partial<ResendTiming>;
  /** Agents: the principal. Principals have a `door` instead. */
  readonly peer?: LinkPeer;
  readonly door?: LinkDoor<Session>;
  /** Events flow. */
  readonly onOpened?: (session: Established) => void;
  /** The last call, once, after everything the link held is released. */
  readonly onEnded: (end: SessionEnd) => void;
}
