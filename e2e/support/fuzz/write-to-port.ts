import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { systemTimers } from "@hawser/runtime";

export interface Port {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly alpn: readonly string[] };
}

/** So long what was written may be thought about; then the next one comes. */
const LINGER_MS = 30;

/** Opens a connection, writes, and answers what came back once the other end has closed or has had its time. */
export function writeToPort({ host, port, tls }: Port, written: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answer: Buffer[] = [];
    const socket: Socket =
      tls === undefined
        ? connectTcp(port, host)
        : connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: [...tls.alpn] });
    let timer: { cancel(): void } | undefined;
    const end = (): void => {
      timer?.cancel();
      socket.destroy();
      resolve(Buffer.concat(answer));
    };
    socket.on(tls === undefined ? "connect" : "secureConnect", () => {
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
