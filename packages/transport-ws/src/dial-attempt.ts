import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import {
  type Connection,
  DEFAULT_DIAL_TIMEOUT_MS,
  type DialOptions,
  type StreamSettings,
} from "@hawser/transport";
import { WebSocket } from "ws";
import type { Destination } from "./destination.js";
import { refusedDial } from "./refused-dial.js";
import { webSocketSettings } from "./stream-settings.js";
import { framingOf, isSubprotocol, type Subprotocol } from "./subprotocol.js";
import { WebSocketConnection } from "./web-socket-connection.js";

/** PEM texts, as `node:tls` takes them. The server's certificate is always verified. */
export interface WebSocketTlsOptions {
  /** Authorities to trust instead of the well-known ones. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** This agent's certificate, where the principal wants one. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name the server's certificate must have. @default the URL's host */
  readonly servername?: string;
}

export interface DialSettings extends Destination {
  readonly subprotocols: readonly Subprotocol[];
  readonly authorization: () => string | undefined | Promise<string | undefined>;
  readonly tls: WebSocketTlsOptions;
  readonly stream: StreamSettings;
  readonly runtime: Runtime;
}

/** One try to connect: settles once, and leaves nothing open when it fails. */
export function dialWebSocket(settings: DialSettings, options: DialOptions): Promise<Connection> {
  const { signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS } = options;
  const { runtime, name } = settings;
  return new Promise((resolve, reject) => {
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
      webSocket?.terminate();
      reject(error);
    };
    const onAbort = (): void => {
      fail(new HawserError("aborted", `Dialling ${name} was given up.`, { cause: signal?.reason }));
    };
    const deadline = runtime.timers.after(timeoutMs, () =>
      fail(new HawserError("timeout", `${name} did not answer within ${timeoutMs} ms.`)),
    );

    const begin = (authorization: string | undefined): void => {
      if (settled) return;
      let socket: Duplex | undefined;
      webSocket = openWebSocket(settings, authorization);
      webSocket.on("upgrade", (response) => {
        socket = response.socket;
      });
      webSocket.on("unexpected-response", (_request, response) => {
        void refusedDial(name, response, runtime.clock).then(fail);
      });
      webSocket.on("error", (error) => fail(connectionFailed(name, error)));
      webSocket.on("open", () => {
        if (webSocket === undefined || socket === undefined || !settle()) return;
        resolve(connectionOver(webSocket, socket, settings));
      });
    };

    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort);
    authorize(settings)
      .then(begin)
      .catch((error: unknown) => fail(connectionFailed(name, error)));
  });
}

async function authorize({ authorization }: DialSettings): Promise<string | undefined> {
  return await authorization();
}

function openWebSocket(settings: DialSettings, authorization: string | undefined): WebSocket {
  const { url, unixPath, subprotocols, tls, stream } = settings;
  const { ca, cert, key, servername } = tls;
  const options = {
    ...webSocketSettings(stream),
    followRedirects: false,
    ALPNProtocols: ["http/1.1"],
    ...(authorization === undefined ? {} : { headers: { authorization } }),
    ...(ca === undefined ? {} : { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(unixPath === undefined ? {} : { createConnection: () => connect({ path: unixPath }) }),
  };
  return new WebSocket(url, [...subprotocols], options);
}

function connectionOver(webSocket: WebSocket, socket: Duplex, settings: DialSettings): Connection {
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
    runtime: settings.runtime,
  });
}

function addressOf({ url, unixPath }: Destination): string {
  return unixPath === undefined ? url.host : `unix:${unixPath}`;
}

function connectionFailed(name: string, thrown: unknown): HawserError {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? String(thrown.code) : "";
  // Node reports several failed addresses of one name as an error without a message.
  const what = (thrown instanceof Error ? thrown.message : String(thrown)) || code || "unknown error";
  return new HawserError("connection_failed", `Could not connect to ${name}: ${what}`, { cause: thrown });
}
