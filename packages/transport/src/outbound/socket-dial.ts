import type { Socket } from "node:net";
import { HawserError } from "@hawser/protocol";
import { type Runtime, systemRuntime } from "@hawser/runtime";
import type { Connection } from "../connection.js";
import { connectionFailed, dialOnce } from "../dial.js";
import type { DialOptions } from "../dialer.js";
import { resolveStreamOptions, type StreamOptions, type StreamSettings } from "../stream-options.js";
import { type ExtraHeaders, requestHeaders } from "./extra-headers.js";
import { Outbound, type OutboundOptions } from "./outbound.js";
import { proxyFor, type ProxySettings } from "./proxy.js";
import type { TlsOptions } from "./tls-client.js";

/** What every dialer that opens sockets may be told beside its URL; all of it has a default. */
export interface SocketDialerOptions extends StreamOptions {
  /**
   * The `authorization` of the request, such as `Bearer <token>`; asked anew for each dial, so that
   * a renewed token is used at once. @default none
   */
  readonly authorization?: () => string | undefined | Promise<string | undefined>;
  /**
   * Further headers of the request (gRPC: metadata), for gateways in front that want some; asked
   * anew for each dial. @default none
   */
  readonly headers?: () => ExtraHeaders | Promise<ExtraHeaders>;
  /**
   * For URLs that want TLS alone; a function is asked anew for each dial, so that a renewed
   * certificate is used at once. @default what Node trusts
   */
  readonly tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /** The way out of this network. @default none: the environment is not looked at */
  readonly proxy?: ProxySettings;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/** What the URL of a dialer says of its socket. */
export interface SocketDestination {
  readonly url: string;
  /** Of what is dialled, for messages. */
  readonly name: string;
  readonly to: OutboundOptions["to"];
  readonly alpn: OutboundOptions["alpn"];
  readonly secure: boolean;
  /** How the URL would have to begin for TLS. */
  readonly secureScheme: string;
}

/** What one dialer needs for each of its dials. */
export interface SocketDialSettings {
  /** Of what is dialled, for messages. */
  readonly name: string;
  /** What the request carries, checked. */
  readonly headers: () => Promise<ExtraHeaders>;
  /** Absent: plaintext. */
  readonly tls?: (() => TlsOptions | Promise<TlsOptions>) | undefined;
  readonly outbound: Outbound;
  readonly stream: StreamSettings;
  readonly runtime: Runtime;
}

/** @throws HawserError `invalid_config` */
export function resolveSocketDialer(
  options: SocketDialerOptions,
  { url, name, to, alpn, secure, secureScheme }: SocketDestination,
): SocketDialSettings {
  const { tls = {}, proxy, authorization, headers, runtime = systemRuntime() } = options;
  if (options.tls !== undefined && !secure)
    throw new HawserError(
      "invalid_config",
      `tls is given, and ${url} speaks none; begin it with ${secureScheme}.`,
    );
  // A proxy that cannot be used is told now, and not at each dial.
  if ("host" in to) proxyFor(to.host, to.port, proxy);
  return {
    name,
    headers: () => requestHeaders(headers, authorization),
    tls: secure ? (typeof tls === "function" ? tls : () => tls) : undefined,
    outbound: new Outbound({ to, alpn, proxy, timers: runtime.timers }),
    stream: resolveStreamOptions(options),
    runtime,
  };
}

/** How one transport makes a connection of a socket. */
export interface SocketDialSteps<Request> {
  /** What is asked for with these headers. Where it throws, no socket is opened. */
  request(headers: ExtraHeaders): Request;
  /**
   * Makes a connection of a socket that is open, TLS included. What it rejects with fails the dial,
   * as it is where it is a `HawserError`. `dialSocket` closes the socket of a dial that failed.
   */
  open(socket: Socket, request: Request): Promise<Connection>;
  /**
   * Lets go of what `open` has made of the socket: the dial has failed, for this reason. Called at
   * most once.
   */
  cancel(error: HawserError): void;
}

/**
 * `dialOnce` for a transport over sockets: asks for headers and certificates, opens the socket, and
 * leaves none when it fails.
 *
 * @throws HawserError as `Dialer.dial`
 */
export function dialSocket<Request>(
  { name, headers, tls, outbound, runtime }: SocketDialSettings,
  options: DialOptions,
  steps: SocketDialSteps<Request>,
): Promise<Connection> {
  let socket: Socket | undefined;
  const prepare = async (signal: AbortSignal) => {
    const [asked, tlsOptions] = await Promise.all([headers(), tls?.()]);
    const request = steps.request(asked);
    return { opened: await outbound.open(tlsOptions, signal), request };
  };
  return dialOnce(
    { ...options, name, timers: runtime.timers },
    {
      async open(signal) {
        const { opened, request } = await prepare(signal).catch((thrown: unknown) => {
          throw connectionFailed(name, thrown);
        });
        socket = opened;
        if (!signal.aborted) return await steps.open(opened, request);
        opened.destroy();
        throw signal.reason;
      },
      cancel(error) {
        try {
          steps.cancel(error);
        } finally {
          socket?.destroy();
        }
      },
    },
  );
}
