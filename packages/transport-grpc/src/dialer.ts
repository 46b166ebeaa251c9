import type { ChannelOptions } from "@grpc/grpc-js";
import { type Dialer, resolveSocketDialer, type SocketDialerOptions } from "@hawser/transport";
import { dialGrpc, type DialSettings } from "./dial-attempt.js";
import { parseDialUrl, targetOf } from "./dial-url.js";
import { checkNoCompression } from "./identity-encoding.js";
import { silenceLibrary } from "./library-log.js";

/** Whom to dial, and as whom. */
export interface GrpcDialerOptions extends SocketDialerOptions {
  /**
   * `grpc://host:port` or, with TLS, `grpcs://host:port`, an IPv6 address in brackets, without
   * credentials; a path is what precedes the method, on a host that is shared. Or
   * `grpc+unix:/run/hawser/internal.sock`, a Unix domain socket of this machine.
   */
  readonly url: string;
  /**
   * Options of the channel of grpc-js, such as `grpc.keepalive_permit_without_calls`; they win over
   * what this package sets, but for where it connects to, and none may compress. @default none
   */
  readonly channelOptions?: ChannelOptions;
}

/**
 * The agent's end of the gRPC transport (PROTOCOL.md, gRPC). Each dial makes a channel of grpc-js
 * of its own, which lives and dies with the stream in it: nothing reconnects behind the caller's
 * back.
 *
 * A dial is through when the server has spoken HTTP/2. Whether it takes the stream is known only
 * after what is sent first: a refusal is the end of the connection (`unauthenticated` and
 * `forbidden` as closes with 4003 and 4004, a time to come back as a loss with `overloaded`).
 *
 * @throws HawserError `invalid_config`
 */
export function createGrpcDialer(options: GrpcDialerOptions): Dialer {
  silenceLibrary();
  const { to, basePath, secure } = parseDialUrl(options.url);
  const settings: DialSettings = {
    to,
    basePath,
    channelOptions: checkNoCompression(options.channelOptions ?? {}),
    ...resolveSocketDialer(options, {
      url: options.url,
      name: targetOf(to),
      to,
      alpn: "h2",
      secure,
      secureScheme: "grpcs://",
    }),
  };
  return { transport: "grpc", dial: (dialOptions = {}) => dialGrpc(settings, dialOptions) };
}
