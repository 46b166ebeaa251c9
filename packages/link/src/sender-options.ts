import type { ResendTiming } from "@hawser/delivery";
import type { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { LinkObserver } from "./link-observer.js";
import type { OutgoingTurns } from "./outgoing-turns.js";
import type { ReadAhead } from "./read-ahead.js";

export interface SenderOptions {
  readonly runtime: Runtime;
  /** Un-ACKed events the peer accepts, from its hello or welcome. */
  readonly window: number;
  /** Bytes of them: what the peer accepts, and no more than this side wants to have in flight. */
  readonly windowBytes: number;
  /** What the sessions of this process hold in memory. */
  readonly readAhead: ReadAhead;
  /** What they share for what they send. */
  readonly turns: OutgoingTurns;
  readonly resend?: Partial<ResendTiming>;
  readonly observer?: LinkObserver;
}

/** The link that sends for a sender. */
export interface SenderHost {
  /** Something became sendable: call `pump` when the connection can take it. */
  ready(): void;
  /** The store failed under the sender; the session cannot go on. */
  fail(error: HawserError): void;
}
