import type { Acceptor } from "@hawser/transport";

export type ApplicationProtocol = Acceptor["alpn"];

/** What every HTTP/2 client sends first (RFC 9113, section 3.4). No HTTP/1.1 request can begin with it. */
export const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Tells the protocol by the first bytes of a connection; undefined while they are too few. */
export function protocolOf(bytes: Uint8Array): ApplicationProtocol | undefined {
  const seen = Math.min(bytes.length, HTTP2_PREFACE.length);
  for (let index = 0; index < seen; index += 1) {
    if (bytes[index] !== HTTP2_PREFACE[index]) return "http/1.1";
  }
  return seen === HTTP2_PREFACE.length ? "h2" : undefined;
}
