import type { Context } from "hono";
import { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";

/** What the server of the API gives each request beside its own parts. */
export interface ServingBindings {
  readonly serving: ServedBy;
}

/** The connection a request came by, and the server of it. */
export interface ServedBy {
  /** The server closes: answers that would go on for ever are to end. Undefined where that is not told here. */
  readonly closing: AbortSignal | undefined;
  /** Address and port of the client; undefined over a Unix socket. */
  readonly address: string | undefined;
  /** What clients are told apart by (see `clientAddressOf`). */
  readonly client: string;
  /** Whoever asks may ask: the connection keeps its place until it is answered. */
  readonly admitted: () => void;
}

/** Where the request came from; undefined in an API that is mounted into a server that is none of `node:http`. */
export function servedBy(context: Context): ServedBy | undefined {
  const { env } = context;
  if (isServed(env)) return env.serving;
  const incoming = incomingOf(context);
  if (incoming === undefined) return undefined;
  const { remoteAddress, remotePort } = incoming.socket;
  return {
    closing: undefined,
    address: remoteAddress === undefined ? undefined : `${remoteAddress}:${remotePort ?? 0}`,
    client: clientAddressOf(remoteAddress),
    admitted: () => {},
  };
}

/** Whether the server is not ours: the API was mounted into one that is there already. */
export function isMounted({ env }: Context): boolean {
  return !isServed(env);
}

/** As `@hono/node-server` hands it on. */
export function incomingOf({ env }: Context): IncomingMessage | undefined {
  const given: unknown = env;
  if (typeof given !== "object" || given === null || !("incoming" in given)) return undefined;
  return given.incoming instanceof IncomingMessage ? given.incoming : undefined;
}

function isServed(env: unknown): env is ServingBindings {
  return typeof env === "object" && env !== null && "serving" in env;
}

/**
 * Whom an address counts as: an IPv4 address by itself, of an IPv6 address the first 64 bits, because a whole such network is what one client is given (RFC 6177).
 */
export function clientAddressOf(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return "local";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(remoteAddress)) return remoteAddress;
  const [head = "", tail] = (remoteAddress.split("%", 1)[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(":")}::/64`;
}
