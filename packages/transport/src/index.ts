export type { Acceptor, SocketInfo } from "./acceptor.js";
export {
  DEFAULT_BUFFER_LIMITS,
  type BufferLimits,
  type Connection,
  type ConnectionEnd,
  type ConnectionHandlers,
  type PeerInfo,
  type TransportName,
} from "./connection.js";
export { overloaded, retryAfterMs, type RetryAfter } from "./dial-refusal.js";
export type { Dialer, DialOptions } from "./dialer.js";
export type { LinkFaults } from "./link-faults.js";
