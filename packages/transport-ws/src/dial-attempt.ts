import type { Socket } from "node:net";
import { HawserError, thrownText } from "@hawser/protocol";
import { guarded, type Runtime } from "@hawser/runtime";
import {
  type Connection,
  DEFAULT_DIAL_TIMEOUT_MS,
  type DialOptions,
  type ExtraHeaders,
  type Outbound,
  type StreamSettings,
  type TlsOptions,
} from "@hawser/transport";
import { WebSocket } from "ws";
import type { Destination } from "./destination.js";
import { refusedDial } from "./refused-dial.js";
import { webSocketSettings } from "./stream-settings.js";
import { framingOf, isSubprotocol, type Subprotocol } from "./subprotocol.js";
import { WebSocketConnection } from "./web-socket-connection.js";

export interface DialSettings extends Destination {
  readonly subprotocols: readonly Subprotocol[];
  /** What the request carries beside what WebSocket needs, checked. */
  readonly headers: () => Promise<ExtraHeaders>;
  readonly tls: () => TlsOptions | Promise<TlsOptions>;
  readonly outbound: Outbound;
  readonly stream: StreamSettings;
  readonly runtime: Runtime;
}

/** One try to connect: settles once, and leaves nothing open when it fails. */
export function dialWebSocket(settings: DialSettings, options: DialOptions): Promise<Connection> {
  const { signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS } = options;
  const { runtime, name } = settings;
  return new Promise((resolve, reject) => {
    const giveUp = new AbortController();
    let webSocket: WebSocket | undefined;
    let settled = false;

    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      deadline.cancel();
      signal?.removeEventListener("abort", onAbort);
      return true;
    };
    const fail = (error: HawserError): void => {
      if (!settle()) return;
      giveUp.abort();
      webSocket?.terminate();
      reject(error);
    };
    const onAbort = (): void => {
      fail(new HawserError("aborted", `Dialling ${name} was given up.`, { cause: signal?.reason }));
    };
    const deadline = runtime.timers.after(timeoutMs, () =>
      fail(new HawserError("timeout", `${name} did not answer within ${timeoutMs} ms.`)),
    );

    const begin = (prepared: Prepared): void => {
      const { socket } = prepared;
      if (settled) return void socket.destroy();
      webSocket = openWebSocket(settings, prepared);
      webSocket.on("unexpected-response", (_request, response) => {
        refusedDial(name, response, runtime.clock).then(fail, (error: unknown) =>
          fail(connectionFailed(name, error)),
        );
      });
      webSocket.on("error", (error) => fail(connectionFailed(name, unanswered(settings, error))));
      webSocket.on("open", () => {
        const opened = webSocket;
        if (opened === undefined || settled) return;
        // In an event of the socket, for which nobody catches.
        guarded(
          () => {
            const connection = connectionOver(opened, socket, settings);
            if (settle()) resolve(connection);
          },
          (thrown) => fail(HawserError.from(thrown)),
        );
      });
    };

    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort);
    prepare(settings, giveUp.signal)
      .then(begin)
      .catch((error: unknown) => fail(connectionFailed(name, error)));
  });
}

/** What has to be there before a WebSocket can be asked for. */
interface Prepared {
  readonly socket: Socket;
  readonly headers: ExtraHeaders;
}

async function prepare(settings: DialSettings, signal: AbortSignal): Promise<Prepared> {
  const isSecure = settings.url.protocol === "wss:";
  const [headers, tls] = await Promise.all([settings.headers(), isSecure ? settings.tls() : undefined]);
  return { socket: await settings.outbound.open(tls, signal), headers };
}

/** Closes the socket where `ws` throws, which nobody else would. */
function openWebSocket(settings: DialSettings, { socket, headers }: Prepared): WebSocket {
  try {
    return new WebSocket(settings.url, [...settings.subprotocols], {
      ...webSocketSettings(settings.stream),
      followRedirects: false,
      headers,
      createConnection: () => socket,
    });
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

function connectionOver(webSocket: WebSocket, socket: Socket, settings: DialSettings): Connection {
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

/** A port that wants TLS closes the connection of whoever does not begin with it, and says nothing that a client without TLS could read. */
function unanswered({ url, unixPath }: Destination, error: Error): Error {
  const isClosed = "code" in error && error.code === "ECONNRESET";
  if (!isClosed || unixPath !== undefined || url.protocol !== "ws:") return error;
  return new Error("the connection was closed without an answer; if the port wants TLS, use wss://", {
    cause: error,
  });
}

function addressOf({ url, unixPath }: Destination): string {
  return unixPath === undefined ? url.host : `unix:${unixPath}`;
}

function connectionFailed(name: string, thrown: unknown): HawserError {
  // The settings are wrong, and no waiting mends that.
  if (thrown instanceof HawserError && thrown.code === "invalid_config") return thrown;
  const what = thrownText(thrown);
  return new HawserError("connection_failed", `Could not connect to ${name}: ${what}`, { cause: thrown });
}
