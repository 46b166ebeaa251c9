import type { ResendTiming } from "@hawser/delivery";
import type { CloudEvent } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { Established, SessionEnd } from "@hawser/session";
import type { Store } from "@hawser/store";
import type { Connection } from "@hawser/transport";
import type { LinkObserver } from "./link-observer.js";
import type { OutgoingTurns } from "./outgoing-turns.js";
import type { ReadAhead } from "./read-ahead.js";
import type { Receiver } from "./receiver.js";

/** The other end: an agent knows it from the start, a principal from the hello. */
export interface LinkPeer {
  /** The name its mailbox and inbox have in the store. */
  readonly name: string;
  readonly receiver: Receiver;
  readonly observer?: LinkObserver;
}

/** What a link of either side binds together, and what it tells while it does. */
export interface LinkOptions {
  readonly runtime: Runtime;
  readonly connection: Connection;
  readonly store: Store;
  /** The CloudEvents `source` of this side's control messages. */
  readonly source: string;
  /** Un-ACKed events this side accepts, as its hello or welcome says. */
  readonly window: number;
  /**
   * Bytes of them, and how many bytes of events this side has in flight at most, whatever the peer
   * accepts.
   *
   * @default DEFAULT_WINDOW_BYTES (8 MiB)
   */
  readonly windowBytes?: number;
  /**
   * What all sessions of this process hold of their mailboxes.
   *
   * @default one for this session alone
   */
  readonly readAhead?: ReadAhead;
  /** What they share for what they send. @default turns of this session alone */
  readonly turns?: OutgoingTurns;
  readonly resend?: Partial<ResendTiming>;
  /** A message of so many bytes was handled. A rate limit pauses the connection here. */
  readonly onMessage?: (event: CloudEvent, bytes: number) => void;
  /** After an event that could not be read was refused; the bytes of its frame. */
  readonly onUnreadable?: (bytes: number) => void;
  /** Events flow. */
  readonly onOpened?: (session: Established) => void;
  /** The last call, once, after everything the link held is released. */
  readonly onEnded: (end: SessionEnd) => void;
}
