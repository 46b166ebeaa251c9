import type { ControlMessage, HawserError } from "@hawser/protocol";
import type { FullBuffer, SessionOutput } from "@hawser/session";
import type { ConnectionEnd } from "@hawser/transport";

/** What the link needs of a session machine; `AgentSession` and `PrincipalSession` both have it. */
export interface LinkSession {
  /** Whether an event of the peer is to be handled now. */
  readonly mayReceiveEvents: boolean;
  /** Whether an event of ours may be sent now. */
  readonly maySendEvents: boolean;
  /** It is being closed, or has ended: nothing is to be begun for it any more. */
  readonly isEnding: boolean;
  start(nowMs: number, settled: number): SessionOutput[];
  receive(message: ControlMessage, nowMs: number): SessionOutput[];
  /** An event arrived: an error of the peer while the session is not open. */
  eventReceived(nowMs: number): readonly SessionOutput[];
  heard(nowMs: number): void;
  /** How many bytes ever came, as far as they are counted. */
  received(bytes: number | undefined, nowMs: number): void;
  /** A send buffer that is full; undefined while it has room. */
  sending(buffer: FullBuffer | undefined, nowMs: number): void;
  wake(nowMs: number, settled: number): SessionOutput[];
  idle(nowMs: number): SessionOutput[];
  fail(error: HawserError, nowMs: number): SessionOutput[];
  transportEnded(end: ConnectionEnd, nowMs: number): SessionOutput[];
  nextWakeAt(): number | undefined;
}
