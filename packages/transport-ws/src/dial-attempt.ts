import type { Socket } from "node:net";
import { HawserError } from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import {
  type Connection,
  type DialOptions,
  dialSocket,
  type ExtraHeaders,
  type SocketDialSettings,
} from "@hawser/transport";
import { WebSocket } from "ws";
import type { Destination } from "./destination.js";
import { refusedDial } from "./refused-dial.js";
import { webSocketSettings } from "./stream-settings.js";
import { framingOf, isSubprotocol, type Subprotocol } from "./subprotocol.js";
import { WebSocketConnection } from "./web-socket-connection.js";

export interface DialSettings extends SocketDialSettings, Destination {
  readonly subprotocols: readonly Subprotocol[];
}

/** One try to connect (`dialSocket`): upgrades the socket and waits for the answer. */
export function dialWebSocket(settings: DialSettings, options: DialOptions): Promise<Connection> {
  const tls = isSecure(settings) ? settings.tls : undefined;
  let webSocket: WebSocket | undefined;
  return dialSocket({ ...settings, tls }, options, {
    request: (headers) => headers,
    async open(socket, headers) {
      webSocket = upgrade(settings, socket, headers);
      return await connectionOver(webSocket, socket, settings);
    },
    cancel: () => webSocket?.terminate(),
  });
}

export function isSecure({ url }: Destination): boolean {
  return url.protocol === "wss:";
}

function upgrade(settings: DialSettings, socket: Socket, headers: ExtraHeaders): WebSocket {
  return new WebSocket(settings.url, [...settings.subprotocols], {
    ...webSocketSettings(settings.stream),
    followRedirects: false,
    headers,
    createConnection: () => socket,
  });
}

function connectionOver(webSocket: WebSocket, socket: Socket, settings: DialSettings): Promise<Connection> {
  const { name, runtime } = settings;
  return new Promise((resolve, reject) => {
    webSocket.on("unexpected-response", (_request, response) => {
      refusedDial(name, response, runtime.clock).then(reject, reject);
    });
    webSocket.on("error", (error) => reject(unanswered(settings, error)));
    // Within the event: what follows the answer is read as soon as it is over.
    webSocket.on("open", () =>
      guarded(
        () => resolve(openConnection(webSocket, socket, settings)),
        (thrown) => reject(HawserError.from(thrown)),
      ),
    );
  });
}

function openConnection(webSocket: WebSocket, socket: Socket, settings: DialSettings): Connection {
  const { protocol } = webSocket;
  // ws refuses an answer that names none of what was offered.
  if (!isSubprotocol(protocol))
    throw new HawserError("internal", `No subprotocol was agreed on: "${protocol}".`);
  return new WebSocketConnection({
    webSocket,
    socket,
    framing: framingOf(protocol),
    peer: { address: addressOf(settings) },
    settings: settings.stream,
    accepted: false,
    runtime: settings.runtime,
  });
}

/**
 * A port that wants TLS closes the connection of whoever does not begin with it, and says nothing
 * that a client without TLS could read.
 */
function unanswered(destination: Destination, error: Error): Error {
  const isClosed = "code" in error && error.code === "ECONNRESET";
  if (!isClosed || destination.unixPath !== undefined || isSecure(destination)) return error;
  return new Error("the connection was closed without an answer; if the port wants TLS, use wss://", {
    cause: error,
  });
}

function addressOf({ url, unixPath }: Destination): string {
  return unixPath === undefined ? url.host : `unix:${unixPath}`;
}
