import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorCode, HawserError } from "@hawser/protocol";
import type { SocketRefusal } from "@hawser/transport";

/** An answer to a request that does not become a WebSocket. */
export interface HttpRefusal {
  readonly status: 400 | 401 | 403 | 404 | 408 | 426 | 500 | 503;
  readonly code: ErrorCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The slot of one client, in milliseconds (PROTOCOL.md, WebSocket); `Retry-After` is for other
 * clients.
 */
export const SLOT_HEADER = "hawser-retry-after-ms";

/** For a client that has to come back: RFC 9110, section 15.6.4. */
export function comeBackLater({ retryAfterMs, message }: SocketRefusal): HttpRefusal {
  return {
    status: 503,
    code: "overloaded",
    message,
    headers: {
      "retry-after": String(Math.ceil(retryAfterMs / 1000)),
      [SLOT_HEADER]: String(Math.ceil(retryAfterMs)),
    },
  };
}

/** The answer to a request with refused credentials (RFC 9110, sections 15.5.2 and 15.5.4). */
export function refusedCredentials({ code, message }: HawserError): HttpRefusal {
  switch (code) {
    case "unauthenticated":
      return { status: 401, code, message, headers: { "www-authenticate": "Bearer" } };
    case "internal":
      return { status: 500, code, message };
    default:
      return { status: 403, code, message };
  }
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

/** Answers an upgrade request, which has no response object, and closes its socket. */
export function refuseUpgrade(socket: Duplex, refusal: HttpRefusal): void {
  const lines = [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`];
  for (const [name, value] of Object.entries(refusalHeaders(refusal))) lines.push(`${name}: ${value}`);
  // The peer may reset the connection instead of reading the answer.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`${lines.join("\r\n")}\r\n\r\n${refusalBody(refusal)}`);
}

/** Answers a request that is late (RFC 9110, section 15.5.9); cuts a client already answered. */
export function refuseLateRequest(socket: Duplex, timeoutMs: number): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const message = `No whole request to connect came within ${timeoutMs} ms.`;
  refuseUpgrade(socket, { status: 408, code: "timeout", message });
}
