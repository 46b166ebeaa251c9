import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorCode } from "@hawser/protocol";

/** An answer to a request that does not become a WebSocket. */
export interface HttpRefusal {
  readonly status: 400 | 404 | 426;
  readonly code: ErrorCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function refusalBody({ code, message }: HttpRefusal): string {
  return JSON.stringify({ error: { code, message } });
}

export function refusalHeaders(refusal: HttpRefusal): Record<string, string> {
  return {
    ...refusal.headers,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(refusalBody(refusal))),
    connection: "close",
  };
}

/** Answers an upgrade request, which has no response object any more, and lets go of its socket. */
export function refuseUpgrade(socket: Duplex, refusal: HttpRefusal): void {
  const lines = [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`];
  for (const [name, value] of Object.entries(refusalHeaders(refusal))) lines.push(`${name}: ${value}`);
  // The peer may reset the connection instead of reading the answer; that is all the same now.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`${lines.join("\r\n")}\r\n\r\n${refusalBody(refusal)}`);
}
