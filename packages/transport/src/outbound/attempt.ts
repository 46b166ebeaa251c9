import type { Socket } from "node:net";

/** A step towards a connection that can be given up. */
export interface Attempt<Socket> {
  readonly connected: Promise<Socket>;
  /** Also after it has connected: whoever comes second is closed. */
  readonly abandon: () => void;
}

/** A socket that is on its way to `event`. */
export function attemptOf<S extends Socket>(socket: S, event: "connect" | "secureConnect"): Attempt<S> {
  const connected = new Promise<S>((resolve, reject) => {
    // Stays: between two steps nobody else listens, and an error without a listener ends the process.
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("the other end closed the connection")));
    socket.once(event, () => resolve(socket));
  });
  return { connected, abandon: () => void socket.destroy() };
}
