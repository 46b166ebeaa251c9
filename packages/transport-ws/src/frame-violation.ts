import { CLOSE_CODES } from "@hawser/protocol";
import type { WebSocket } from "ws";

/** The errors of `ws` for refused frames, with their close codes; other `WS_ERR_` are 1002. */
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

/** The reason for a close code, for people. */
export function reasonOfViolation(code: number, maxFrameBytes: number): string {
  switch (code) {
    case CLOSE_CODES.frameTooLarge:
      return `a message may have at most ${maxFrameBytes} bytes`;
    case CLOSE_CODES.invalidPayload:
      return "text that is not UTF-8";
    case CLOSE_CODES.policyViolation:
      return "a message in too many pieces";
    default:
      return "a frame that breaks the rules of RFC 6455";
  }
}

/** `ws` closes with the code alone for a frame it refuses; this adds the reason. */
export function sayWhyRefused(webSocket: WebSocket, maxFrameBytes: number): void {
  const close = webSocket.close.bind(webSocket);
  webSocket.close = (code, data) => {
    const reason = code === undefined ? undefined : reasonOfViolation(code, maxFrameBytes);
    close(code, data ?? reason);
  };
}
