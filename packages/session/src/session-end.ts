import { CLOSE_CODES, HawserError, retryAfterOf, type ErrorCode, type Goodbye } from "@hawser/protocol";
import { errorCodeOfClose, isRefusal, type RefusalCode } from "./close-reasons.js";

/** How a connection ended. The `ConnectionEnd` of a transport is one. */
export type TransportEnd =
  | {
      readonly kind: "closed";
      /** True for codes 1000 and 1001 (gRPC: status OK). */
      readonly clean: boolean;
      readonly code: number;
      readonly reason: string;
      readonly by: "local" | "peer";
    }
  | { readonly kind: "lost"; readonly error: HawserError };

/** Why a session ended, by the rows of the reconnect table (PROTOCOL.md, Reconnecting). */
export type EndReason =
  /** A rotation of the agent, ended by a close handshake. */
  | { readonly kind: "rotated" }
  /** Any other close handshake with 1000 or 1001. */
  | { readonly kind: "clean" }
  /** The principal named a slot, `slotMs` from the end of the connection, even if that was cut. */
  | { readonly kind: "drained"; readonly slotMs: number; readonly windowMs: number }
  | {
      readonly kind: "retryAfter";
      readonly ms: number;
      /** The time is this agent's own slot; otherwise it may be shared. */
      readonly slot: boolean;
      readonly error: HawserError;
    }
  /** Identity, version or a rolled-back store: an operator has to act, waiting does not help. */
  | {
      readonly kind: "refused";
      readonly code: RefusalCode;
      readonly error: HawserError;
      readonly retryAfterMs: number | undefined;
    }
  /** A newer session of the same agent took over. */
  | { readonly kind: "superseded"; readonly error: HawserError }
  | { readonly kind: "failed"; readonly error: HawserError };

/** How a session ended, how long it lived, and what its transport did. */
export type SessionEnd = EndReason & {
  /** Undefined when the session never opened. */
  readonly openedAtMs: number | undefined;
  /** From `opened` to the end; 0 when it never opened. */
  readonly livedMs: number;
  readonly transport: TransportEnd;
};

/** There was no session: the transport's dialer threw this. */
export interface DialFailure {
  readonly kind: "dialFailed";
  readonly error: HawserError;
}

/** Why this side ends the session, before the transport reports its own end. */
export type EndCause =
  | { readonly kind: "goodbye"; readonly reason: Goodbye["reason"] }
  | { readonly kind: "refused"; readonly error: HawserError; readonly retryAfterMs: number | undefined }
  | { readonly kind: "superseded"; readonly error: HawserError }
  /** The peer did not do what it had to do in time. */
  | { readonly kind: "silent"; readonly error: HawserError }
  | { readonly kind: "failed"; readonly error: HawserError };

/** A drain notice that was sent or received on this connection. */
export interface DrainNotice {
  readonly slotMs: number;
  readonly windowMs: number;
  /** When it was sent or received: the slot counts from there. Monotonic. */
  readonly atMs: number;
}

/** What else decides what an end means. */
export interface EndCircumstances {
  readonly nowMs: number;
  readonly hasOpened: boolean;
  /** The other end asked for another connection before this one ended. */
  readonly isRotationRequested: boolean;
}

/**
 * Combines the messages of the stream with the end of the transport. A refusal or a drain notice
 * wins, however the connection ended afterwards.
 */
export function endReason(
  cause: EndCause | undefined,
  drain: DrainNotice | undefined,
  transport: TransportEnd,
  { nowMs, hasOpened, isRotationRequested }: EndCircumstances,
): EndReason {
  if (cause?.kind === "refused") return refusedEnd(cause.error, cause.retryAfterMs);
  const said = closeOfPeer(transport);
  if (said !== undefined) return said;
  if (cause?.kind === "superseded" || cause?.kind === "failed") return cause;
  if (drain !== undefined) {
    const { slotMs, windowMs, atMs } = drain;
    return { kind: "drained", slotMs: Math.max(0, slotMs - (nowMs - atMs)), windowMs };
  }
  if (cause?.kind === "silent") return { kind: "failed", error: cause.error };
  // The other end may cut the connection that it asked to replace before the rotation is done.
  if (transport.kind === "lost" && isRotationRequested) return { kind: "rotated" };
  if (transport.kind === "lost")
    return hasOpened ? { kind: "failed", error: transport.error } : endBeforeOpen(transport.error);
  if (transport.clean) return cause?.reason === "rotation" ? { kind: "rotated" } : { kind: "clean" };
  return { kind: "failed", error: errorOfClose(transport, errorCodeOfClose(transport.code)) };
}

/**
 * The reconnect row of a session that never opened. A gRPC stream may be refused after its hello
 * has left.
 */
export function endBeforeOpen(error: HawserError): EndReason {
  const asked = retryAfterOf(error);
  if (isRefusal(error.code))
    return { kind: "refused", code: error.code, error, retryAfterMs: asked?.retryAfterMs };
  if (asked !== undefined) return { kind: "retryAfter", ms: asked.retryAfterMs, slot: asked.slot, error };
  return { kind: "failed", error };
}

function refusedEnd(error: HawserError, retryAfterMs: number | undefined): EndReason {
  const { code } = error;
  if (isRefusal(code)) return { kind: "refused", code, error, retryAfterMs };
  if (retryAfterMs !== undefined) return { kind: "retryAfter", ms: retryAfterMs, slot: true, error };
  return { kind: "failed", error };
}

const { superseded, unauthenticated, forbidden, unsupportedVersion, storeRolledBack, agentRemoved } =
  CLOSE_CODES;
const REFUSAL_CLOSES: ReadonlySet<number> = new Set([
  unauthenticated,
  forbidden,
  unsupportedVersion,
  storeRolledBack,
  agentRemoved,
]);

// Close codes with a row of their own, from a peer that sent no `refuse`.
function closeOfPeer(transport: TransportEnd): EndReason | undefined {
  if (transport.kind === "lost" || transport.by === "local") return undefined;
  const code = errorCodeOfClose(transport.code);
  const error = errorOfClose(transport, code);
  if (transport.code === superseded) return { kind: "superseded", error };
  if (!REFUSAL_CLOSES.has(transport.code) || !isRefusal(code)) return undefined;
  return { kind: "refused", code, error, retryAfterMs: undefined };
}

function errorOfClose(transport: TransportEnd & { kind: "closed" }, code: ErrorCode): HawserError {
  const who = transport.by === "peer" ? "the peer closed the connection" : "the connection was closed";
  const why = transport.reason === "" ? "" : `: ${transport.reason}`;
  return new HawserError(code, `${who} with ${transport.code}${why}`);
}
