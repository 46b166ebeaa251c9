import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Runtime } from "@hawser/runtime";
import { type Dialer, resolveStreamOptions, type StreamOptions } from "@hawser/transport";
import type { GrpcTlsOptions } from "./channel.js";
import { dialGrpc, type DialSettings } from "./dial-attempt.js";

/** Whom to dial, and as whom. */
export interface GrpcDialerOptions extends StreamOptions {
  /** `host:port`; an IPv6 address in brackets. */
  readonly target: string;
  /** The `authorization` entry of the metadata, such as `Bearer <token>`; asked anew for each dial, so that a renewed token is used at once. */
  readonly authorization?: () => string | undefined | Promise<string | undefined>;
  /** Speaks TLS. @default plaintext */
  readonly tls?: GrpcTlsOptions;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/**
 * The agent's end of the gRPC transport (PROTOCOL.md, gRPC). Each dial opens an HTTP/2 connection of its own, which lives and dies with the
 * stream in it: nothing reconnects behind the caller's back.
 *
 * @throws HawserError `invalid_config`
 */
export function createGrpcDialer(options: GrpcDialerOptions): Dialer {
  const settings: DialSettings = {
    ...parseTarget(options.target),
    authorization: options.authorization ?? (() => undefined),
    tls: options.tls,
    stream: resolveStreamOptions(options),
    runtime: options.runtime ?? systemRuntime(),
  };
  return { transport: "grpc", dial: (dialOptions = {}) => dialGrpc(settings, dialOptions) };
}

function parseTarget(target: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/?#@[\]]+)):(\d{1,5})$/.exec(target);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new HawserError("invalid_config", `The target must be host:port, not "${target}".`);
  }
  return { host, port };
}
