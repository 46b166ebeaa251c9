import type { Duplex } from "node:stream";
import { protocolOf, type ApplicationProtocol } from "./http2-preface.js";

/**
 * Reads until the protocol is known, puts back what was read, and leaves the socket as if nobody had listened to it.
 *
 * `decided` is not called when the socket ends or fails before that; whoever owns the socket hears `close`.
 */
export function readProtocol(socket: Duplex, decided: (protocol: ApplicationProtocol) => void): void {
  // Fewer bytes than the preface can be kept back, so this buffer is bounded by the preface and one chunk.
  let bytes: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    for (;;) {
      const chunk: unknown = socket.read();
      if (!(chunk instanceof Buffer)) return;
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk], bytes.length + chunk.length);
      const protocol = protocolOf(bytes);
      if (protocol === undefined) continue;
      socket.off("readable", onReadable);
      socket.off("end", onEnd);
      socket.unshift(bytes);
      decided(protocol);
      return;
    }
  };
  // Half a preface and then the end: nobody can be told anything, so there is nothing to keep open.
  const onEnd = (): void => {
    socket.off("readable", onReadable);
    socket.destroy();
  };
  socket.on("readable", onReadable);
  socket.on("end", onEnd);
}
