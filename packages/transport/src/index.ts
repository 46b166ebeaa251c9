export {
  startedTwice,
  takesUpgrades,
  type Acceptor,
  type Screen,
  type SocketInfo,
  type SocketRefusal,
  type Upgrade,
  type UpgradeAcceptor,
} from "./acceptor.js";
export type { ClientCertificate } from "./client-certificate.js";
export { closedEnd, type Close } from "./close-outcome.js";
export { cutCloseReason, MAX_CLOSE_REASON_BYTES } from "./close-reason.js";
export {
  DEFAULT_BUFFER_LIMITS,
  type BufferLimits,
  type Connection,
  type ConnectionEnd,
  type ConnectionHandlers,
  type PeerInfo,
  type SendResult,
  type TransportName,
} from "./connection.js";
export { ConnectionCore, type ConnectionParts } from "./connection-core.js";
export { connectionFailed, dialOnce, type DialOnceSettings, type DialSteps } from "./dial.js";
export { refusalText, retryAfterIn, type RefusalHeaders } from "./dial-refusal.js";
export { DEFAULT_DIAL_TIMEOUT_MS, type Dialer, type DialOptions } from "./dialer.js";
export { bytesSentBy } from "./bytes-sent.js";
export { bytesReadFrom, KeepAlive, type WatchedConnection } from "./keep-alive.js";
export type { LinkFaults } from "./link-faults.js";
export { approximateBytes } from "./memory/event-size.js";
export {
  createMemoryTransport,
  type MemoryTransport,
  type MemoryTransportOptions,
} from "./memory/memory-transport.js";
export { AcceptFailures } from "./inbound/accept-failures.js";
export {
  bindUnixSocket,
  DEFAULT_UNIX_SOCKET_MODE,
  UNIX_SOCKET_MODES,
  type UnixSocketPlace,
} from "./inbound/unix-socket.js";
export { extraHeaderProblem, requestHeaders, type ExtraHeaders } from "./outbound/extra-headers.js";
export type { Attempt } from "./outbound/attempt.js";
export {
  dialSocket,
  resolveSocketDialer,
  type SocketDestination,
  type SocketDialerOptions,
  type SocketDialSettings,
  type SocketDialSteps,
} from "./outbound/socket-dial.js";
export { Outbound, type OutboundOptions } from "./outbound/outbound.js";
export { checkServerIdentity } from "./outbound/server-identity.js";
export { TlsClient, type TlsOptions } from "./outbound/tls-client.js";
export {
  proxyFor,
  proxyFromEnvironment,
  type Environment,
  type Proxy,
  type ProxySettings,
} from "./outbound/proxy.js";
export { peerInfoOf } from "./peer-info.js";
export {
  bareHost,
  meantScheme,
  refuseCredentials,
  resolveBasePath,
  unixPathOf,
  type UrlSchemes,
} from "./transport-url.js";
export {
  DEFAULT_CLOSE_TIMEOUT_MS,
  DEFAULT_KEEP_ALIVE_INTERVAL_MS,
  resolveStreamOptions,
  type StreamOptions,
  type StreamSettings,
} from "./stream-options.js";
