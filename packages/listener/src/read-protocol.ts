import type { Acceptor } from "@hawser/transport";
import type { Duplex } from "node:stream";

export type ApplicationProtocol = Acceptor["alpn"];

/** The first bytes of every HTTP/2 client (RFC 9113, section 3.4). No HTTP/1.1 request begins so. */
export const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Tells the protocol by the first bytes of a connection; undefined while they are too few. */
export function protocolOf(bytes: Uint8Array): ApplicationProtocol | undefined {
  const seen = Math.min(bytes.length, HTTP2_PREFACE.length);
  for (let index = 0; index < seen; index += 1) {
    if (bytes[index] !== HTTP2_PREFACE[index]) return "http/1.1";
  }
  return seen === HTTP2_PREFACE.length ? "h2" : undefined;
}

/**
 * Waits until a socket has something to read, reads nothing, and leaves no listener behind.
 *
 * A socket that ends first is destroyed, and `arrived` is not called; its owner sees `close`.
 */
export function firstBytes(socket: Duplex, arrived: () => void): void {
  watchStart(socket, () => socket.readableLength > 0, arrived);
}

/**
 * Reads until the protocol is known, puts the bytes back, and leaves no listener behind.
 *
 * A socket that ends first is destroyed, and `decided` is not called; its owner sees `close`.
 */
export function readProtocol(socket: Duplex, decided: (protocol: ApplicationProtocol) => void): void {
  // Bounded by the preface and one chunk, because any more bytes decide.
  let bytes: Buffer = Buffer.alloc(0);
  let protocol: ApplicationProtocol | undefined;
  const read = (): boolean => {
    for (let chunk: unknown = socket.read(); chunk instanceof Buffer; chunk = socket.read()) {
      bytes = Buffer.concat([bytes, chunk]);
      protocol = protocolOf(bytes);
      if (protocol !== undefined) return true;
    }
    return false;
  };
  watchStart(socket, read, () => {
    socket.unshift(bytes);
    if (protocol !== undefined) decided(protocol);
  });
}

/** Calls `done` once `isEnough` holds as bytes arrive; a socket that ends before has no use. */
function watchStart(socket: Duplex, isEnough: () => boolean, done: () => void): void {
  const stop = (): void => {
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
  };
  const onReadable = (): void => {
    if (!isEnough()) return;
    stop();
    done();
  };
  const onEnd = (): void => {
    stop();
    socket.destroy();
  };
  socket.on("readable", onReadable);
  socket.on("end", onEnd);
}
