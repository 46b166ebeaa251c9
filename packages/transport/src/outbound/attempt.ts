import type { Socket } from "node:net";

/** A step towards a connection that can be abandoned. */
export interface Attempt<Socket> {
  readonly connected: Promise<Socket>;
  /** Also after it has connected, to close the loser of a race. */
  readonly abandon: () => void;
}

/** A socket that is on its way to `event`. */
export function attemptOf<S extends Socket>(socket: S, event: "connect" | "secureConnect"): Attempt<S> {
  const connected = new Promise<S>((resolve, reject) => {
    // This listener stays: an error without a listener ends the process.
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("the other end closed the connection")));
    socket.once(event, () => resolve(socket));
  });
  return { connected, abandon: () => void socket.destroy() };
}
