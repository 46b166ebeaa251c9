import {
  closeCodeFor,
  CLOSE_CODES,
  errorCodeForClose,
  type ErrorCode,
  type HawserError,
} from "@hawser/protocol";

/** Refusals that need operator action; retrying alone does not help. */
export const REFUSAL_CODES = [
  "unauthenticated",
  "forbidden",
  "invalid_agent_name",
  "unsupported_version",
  "store_rolled_back",
  "agent_removed",
] as const;

/** A refusal that no waiting mends. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Whether somebody has to mend something before it makes sense to come back. */
export function isRefusal(code: ErrorCode): code is RefusalCode {
  return REFUSAL_CODES.some((refusal) => refusal === code);
}

/** What a peer meant that closed with this code, as far as the code alone tells. */
export function errorCodeOfClose(code: number): ErrorCode {
  return errorCodeForClose(code) ?? "connection_closed";
}

/**
 * What the peer is told about an error. Errors that are not the peer's doing are only named: their
 * text may speak of files and hosts that are nobody else's business, and is in this side's log.
 */
export function tellPeer(error: HawserError): string {
  // Which side has to act, and what proves it, is the peer's business.
  if (error.code === "store_rolled_back") return error.message;
  const own = closeCodeFor(error.code) === CLOSE_CODES.internalError || error.code.startsWith("store_");
  return own ? error.code : error.message;
}
