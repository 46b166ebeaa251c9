import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { systemTimers } from "@hawser/runtime";

/** A port of TCP, or a Unix socket. */
export type Port =
  | {
      readonly host: string;
      readonly port: number;
      readonly tls?: { readonly alpn: readonly string[] };
    }
  | { readonly path: string };

/** So long what was written may be thought about; then the next one comes. */
const LINGER_MS = 30;

/** Opens a connection, writes, and answers what came back once the other end has closed or has had its time. */
export function writeToPort(port: Port, written: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answer: Buffer[] = [];
    const { socket, opened } = open(port);
    let timer: { cancel(): void } | undefined;
    const end = (): void => {
      timer?.cancel();
      socket.destroy();
      resolve(Buffer.concat(answer));
    };
    socket.on(opened, () => {
      // In two pieces: whoever reads has to join them.
      const cut = written.length >> 1;
      socket.write(written.subarray(0, cut));
      socket.write(written.subarray(cut));
      timer = systemTimers.after(LINGER_MS, end);
    });
    socket.on("data", (chunk) => answer.push(chunk));
    socket.on("close", end);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") reject(error);
      else end();
    });
  });
}

/** A connection, and the event that says that it can be written to. */
function open(place: Port): { readonly socket: Socket; readonly opened: string } {
  if ("path" in place) return { socket: connectTcp(place.path), opened: "connect" };
  const { host, port, tls } = place;
  if (tls === undefined) return { socket: connectTcp(port, host), opened: "connect" };
  const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: [...tls.alpn] });
  return { socket, opened: "secureConnect" };
}
