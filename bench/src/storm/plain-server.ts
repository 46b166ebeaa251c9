import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { SERVER_TLS } from "../tls-files.js";
import type { StormServerStart } from "./storm-commands.js";

/** An HTTP server on loopback that nobody limits. */
export function plainServer({ tls }: StormServerStart): Server | TlsServer {
  return tls ? createTlsServer(SERVER_TLS) : createServer();
}

/** Resolves with the port it is bound to. */
export async function listen(
  server: Server | TlsServer,
  { port }: StormServerStart,
): Promise<{ readonly port: number }> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server is not bound to a port");
  return { port: address.port };
}
