import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { onTestFinished } from "vitest";

/** An HTTP server (HTTPS with a certificate) on a free port until the test ends. Answers its URL. */
export async function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<string> {
  const server = tls === undefined ? createServer(handler) : createSecureServer(tls, handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`;
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return body;
}
