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

/** The code of a refusal that needs operator action. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Whether an operator has to act before another try makes sense. */
export function isRefusal(code: ErrorCode): code is RefusalCode {
  return REFUSAL_CODES.some((refusal) => refusal === code);
}

/** What a peer meant that closed with this code, as far as the code alone tells. */
export function errorCodeOfClose(code: number): ErrorCode {
  return errorCodeForClose(code) ?? "connection_closed";
}

/**
 * The text of an error for the peer. An error that the peer did not cause is only named: its text
 * may name files and hosts, and is in the log of this side.
 */
export function tellPeer(error: HawserError): string {
  // Which side has to act, and what proves it, is the peer's business.
  if (error.code === "store_rolled_back") return error.message;
  const own = closeCodeFor(error.code) === CLOSE_CODES.internalError || error.code.startsWith("store_");
  return own ? error.code : error.message;
}
