import { request, type IncomingMessage } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { HawserError } from "@hawser/protocol";
import type { Proxy } from "./proxy.js";
import { TlsClient } from "./tls-client.js";

/**
 * Asks a proxy for a tunnel over a socket connected to it (RFC 9110, section 9.3.6), with TLS to
 * the proxy where it wants that.
 *
 * @throws HawserError `connection_failed` naming the proxy and its answer
 */
export async function openTunnel(socket: Socket, proxy: Proxy, host: string, port: number): Promise<Socket> {
  const toProxy = proxy.secure ? await new TlsClient(proxy.host).secure(socket, {}).connected : socket;
  return ask(toProxy, proxy, host, port);
}

function ask(socket: Socket, proxy: Proxy, host: string, port: number): Promise<Socket> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const asking = request({
      method: "CONNECT",
      path: authority,
      headers: {
        host: authority,
        ...(proxy.credentials === undefined ? {} : { "proxy-authorization": basic(proxy.credentials) }),
      },
      createConnection: () => socket,
    });
    asking.once("connect", (response: IncomingMessage, tunnel: Socket, head: Buffer) => {
      if (response.statusCode !== 200) {
        tunnel.destroy();
        return reject(refused(proxy, authority, response));
      }
      if (head.length > 0) tunnel.unshift(head);
      resolve(tunnel);
    });
    // Node emits `connect` for every answer to CONNECT, whatever its status.
    asking.once("error", (cause) => {
      socket.destroy();
      const message = `the proxy ${proxy.name} did not open a tunnel to ${authority}: ${cause.message}`;
      reject(new HawserError("connection_failed", message, { cause }));
    });
    asking.end();
  });
}

function refused(proxy: Proxy, authority: string, { statusCode = 0 }: IncomingMessage): HawserError {
  const why =
    statusCode !== 407
      ? ""
      : proxy.credentials === undefined
        ? ": it wants a user and a password; write them into the URL of the proxy"
        : ": it does not accept the user and password of its URL";
  return new HawserError(
    "connection_failed",
    `the proxy ${proxy.name} refused a tunnel to ${authority} with ${statusCode}${why}`,
  );
}

/** RFC 7617. */
function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}
