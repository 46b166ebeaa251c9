import type { HawserError, Hello } from "@hawser/protocol";
import type { PeerInfo } from "@hawser/transport";

/** Let in, or refused with the error that the agent is told and, if need be, when to come back. */
export type AuthenticateResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: HawserError; readonly retryAfterMs?: number };

/** What the headers of a request say of who sends it, before anything is built for it and before its `hello`. */
export type Screening =
  /** Its credential is good: it comes before all that have shown none, and `authenticate` still holds it against the name it says. */
  | { readonly kind: "known" }
  /** Nothing can be said yet: no credential is asked for, or the verdict needs the `hello`. */
  | { readonly kind: "unknown" }
  /** `unauthenticated` or `forbidden`: it is answered in its own protocol and no session is begun. */
  | { readonly kind: "refused"; readonly error: HawserError };

/** Looks a credential up. Asked for each request, so it must be cheap (a look-up by digest) and must not wait. */
export type ScreenPeer = (peer: PeerInfo) => Screening;

/**
 * Decides whether the other end is the agent it says it is. Refuse with `unauthenticated` (no or bad credentials) or `forbidden` (good credentials, another name).
 * A rejection counts as `internal` and is not told to the peer in detail.
 *
 * Asked for each hello, and again for each open session by `principal.reauthenticate()`.
 */
export type Authenticate = (peer: PeerInfo, hello: Hello) => Promise<AuthenticateResult> | AuthenticateResult;
