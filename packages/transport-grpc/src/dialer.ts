import type { ChannelOptions } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Runtime } from "@hawser/runtime";
import {
  type Dialer,
  type ExtraHeaders,
  Outbound,
  proxyFor,
  type ProxySettings,
  requestHeaders,
  resolveStreamOptions,
  type StreamOptions,
  type TlsOptions,
} from "@hawser/transport";
import { socketOf } from "./destination.js";
import { dialGrpc, type DialSettings } from "./dial-attempt.js";
import { parseDialUrl } from "./dial-url.js";
import { checkNoCompression } from "./identity-encoding.js";
import { silenceLibrary } from "./library-log.js";

/** Whom to dial, and as whom. */
export interface GrpcDialerOptions extends StreamOptions {
  /**
   * `grpc://host:port` or, with TLS, `grpcs://host:port`, an IPv6 address in brackets, without credentials; a path is what precedes the method, on a host that is shared. Or
   * `grpc+unix:/run/hawser/internal.sock`, a Unix domain socket of this machine.
   */
  readonly url: string;
  /** The `authorization` entry of the metadata, such as `Bearer <token>`; asked anew for each dial, so that a renewed token is used at once. */
  readonly authorization?: () => string | undefined | Promise<string | undefined>;
  /**
   * Further metadata, for gateways in front that want some; asked anew for each dial. @default none
   */
  readonly headers?: () => ExtraHeaders | Promise<ExtraHeaders>;
  /** For `grpcs://` alone; a function is asked anew for each dial, so that a renewed certificate is used at once. @default what Node trusts */
  readonly tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /**
   * The way out of this network.
   * @default none: neither this package nor grpc-js looks at the environment
   */
  readonly proxy?: ProxySettings;
  /**
   * Options of the channel of grpc-js, such as `grpc.keepalive_permit_without_calls`; they win over what
   * this package sets, but for where it connects to, and none may compress. @default none
   */
  readonly channelOptions?: ChannelOptions;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/**
 * The agent's end of the gRPC transport (PROTOCOL.md, gRPC). Each dial makes a channel of grpc-js of
 * its own, which lives and dies with the stream in it: nothing reconnects behind the caller's back.
 *
 * A dial is through when the server has spoken HTTP/2. Whether it takes the stream is known only
 * after what is sent first: a refusal is the end of the connection (`unauthenticated` and `forbidden`
 * as closes with 4003 and 4004, a time to come back as a loss with `overloaded`).
 *
 * @throws HawserError `invalid_config`
 */
export function createGrpcDialer(options: GrpcDialerOptions): Dialer {
  silenceLibrary();
  const { tls = {}, proxy, authorization, headers } = options;
  const { to, basePath, secure } = parseDialUrl(options.url);
  if (options.tls !== undefined && !secure)
    throw new HawserError(
      "invalid_config",
      `tls is given, and ${options.url} speaks none; begin it with grpcs://.`,
    );
  const runtime = options.runtime ?? systemRuntime();
  // A proxy that cannot be used is told now, and not at each dial.
  if ("host" in to) proxyFor(to.host, to.port, proxy);
  const settings: DialSettings = {
    to,
    basePath,
    headers: () => requestHeaders(headers, authorization),
    tls: secure ? (typeof tls === "function" ? tls : () => tls) : undefined,
    outbound: new Outbound({ to: socketOf(to), alpn: "h2", proxy, timers: runtime.timers }),
    stream: resolveStreamOptions(options),
    channelOptions: checkNoCompression(options.channelOptions ?? {}),
    runtime,
  };
  return { transport: "grpc", dial: (dialOptions = {}) => dialGrpc(settings, dialOptions) };
}
