import { HawserError } from "@hawser/protocol";
import { takesUpgrades } from "@hawser/transport";
import { FrontListener } from "./front-listener.js";
import type {
  BoundAddress,
  ListenerOptions,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
} from "./listener-options.js";
import {
  resolveListenerOptions,
  resolveUnixListenerOptions,
  resolveUpgradeListenerOptions,
} from "./listener-settings.js";
import type { Listener, ListenerParts } from "./listener.js";

/** The control plane's own peers are few and must not wait: only their number is bounded. */
const UNLIMITED = { ratePerSecond: 100_000, burst: 100_000, rampMs: 0 } as const;

/**
 * A port in front of all transports. A socket waits here, unread, until it is admitted; only then
 * does it cost anything. The listener detects the protocol (TLS: by ALPN; plaintext, or a client
 * without ALPN: by the first bytes) and hands the socket to the acceptor of that protocol. A client
 * that finds the line full is refused in its own protocol, with a time to come back.
 *
 * `start` throws a HawserError `port_in_use` or `address_unavailable`. `stop` closes the port and
 * cuts the sockets that were not handed over; the others live on.
 *
 * With `by: "upgrade"` there is no port, and sockets come by `handleUpgrade` alone.
 *
 * @throws HawserError `invalid_config`
 */
export function createListener(options: ListenerOptions, parts: ListenerParts): Listener;
export function createListener(
  options: ListenerOptions | UpgradeListenerOptions,
  parts: ListenerParts,
): Listener<BoundAddress | undefined>;
export function createListener(
  options: ListenerOptions | UpgradeListenerOptions,
  parts: ListenerParts,
): Listener<BoundAddress> | Listener<BoundAddress | undefined> {
  if (!("by" in options)) return new FrontListener(resolveListenerOptions("listen", options), parts);
  if (!parts.acceptors.some(takesUpgrades))
    throw new HawserError(
      "invalid_config",
      'listen.by is "upgrade", and none of the acceptors takes upgrades; give createWebSocketAcceptor() (gRPC needs a port of its own)',
    );
  return new FrontListener(resolveUpgradeListenerOptions(options), parts);
}

/**
 * The control plane's own port or Unix socket: as `createListener`, but it admits everybody at once,
 * and the acceptors learn that the socket is internal.
 *
 * @throws HawserError `invalid_config`
 */
export function createInternalListener(
  options: Omit<ListenerOptions, "admission"> | UnixListenerOptions,
  parts: ListenerParts,
): Listener<BoundAddress | UnixAddress> {
  const option = "internal.listen";
  const internal = { ...parts, internal: true };
  return "path" in options
    ? new FrontListener(resolveUnixListenerOptions(option, { ...options, admission: UNLIMITED }), internal)
    : new FrontListener(resolveListenerOptions(option, { ...options, admission: UNLIMITED }), internal);
}
