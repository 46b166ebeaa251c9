import type { ApplicationProtocol } from "./read-protocol.js";

const HTTP1_BODY = "This port speaks HTTP/2 (gRPC) only.\n";

/** RFC 9110, section 15.6.6: this HTTP version is not served here. */
const HTTP1_ANSWER = Buffer.from(
  "HTTP/1.1 505 HTTP Version Not Supported\r\n" +
    "content-type: text/plain; charset=utf-8\r\n" +
    `content-length: ${HTTP1_BODY.length}\r\n` +
    `connection: close\r\n\r\n${HTTP1_BODY}`,
  "latin1",
);

const HTTP2_DEBUG = Buffer.from("this port speaks HTTP/1.1 (WebSocket) only", "latin1");

/**
 * An empty SETTINGS frame, then GOAWAY with HTTP_1_1_REQUIRED and a sentence as debug data (RFC 9113,
 * sections 6.5, 6.8 and 7).
 */
const HTTP2_ANSWER = Buffer.concat([
  frame(0x4, Buffer.alloc(0)),
  frame(0x7, Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x0d]), HTTP2_DEBUG])),
]);

/** The answer, in the client's own protocol, that this port does not speak it. */
export function unsupportedProtocolAnswer(protocol: ApplicationProtocol): Buffer {
  return protocol === "h2" ? HTTP2_ANSWER : HTTP1_ANSWER;
}

/** An HTTP/2 frame on stream 0 without flags. */
function frame(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  return Buffer.concat([header, payload]);
}
