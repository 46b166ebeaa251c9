import type { HawserError, Hello } from "@hawser/protocol";
import type { PeerInfo } from "@hawser/transport";

/** Let in, or refused with the error that the agent is told and, if need be, when to come back. */
export type AuthenticateResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: HawserError; readonly retryAfterMs?: number };

/**
 * Decides whether the other end is the agent it says it is. Refuse with `unauthenticated` (no or bad credentials) or `forbidden` (good credentials, another name).
 * A rejection counts as `internal` and is not told to the peer in detail.
 */
export type Authenticate = (peer: PeerInfo, hello: Hello) => Promise<AuthenticateResult> | AuthenticateResult;
