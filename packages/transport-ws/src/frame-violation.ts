import { CLOSE_CODES } from "@hawser/protocol";

/** What `ws` calls a frame it refuses, and the code it closes with. Every other `WS_ERR_` is a protocol error. */
const CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CLOSE_CODES.invalidPayload,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CLOSE_CODES.policyViolation,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CLOSE_CODES.frameTooLarge,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CLOSE_CODES.frameTooLarge,
};

/** The close code of an error `ws` reported for a received frame; undefined for any other error. */
export function closeCodeOfViolation(error: Error): number | undefined {
  const name = "code" in error ? error.code : undefined;
  if (typeof name !== "string" || !name.startsWith("WS_ERR_")) return undefined;
  return CODES[name] ?? CLOSE_CODES.protocolError;
}
