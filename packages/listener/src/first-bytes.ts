import type { Duplex } from "node:stream";

/**
 * Waits until a socket has something to read, takes nothing of it, and leaves the socket as if nobody had listened to it.
 *
 * `there` is not called when the socket ends or fails before that; whoever owns the socket hears `close`.
 */
export function firstBytes(socket: Duplex, there: () => void): void {
  const stop = (): void => {
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
  };
  const onReadable = (): void => {
    if (socket.readableLength === 0) return;
    stop();
    there();
  };
  const onEnd = (): void => {
    stop();
    socket.destroy();
  };
  socket.on("readable", onReadable);
  socket.on("end", onEnd);
}
