export { createGrpcAcceptor, DEFAULT_HANDSHAKE_TIMEOUT_MS, type GrpcAcceptorOptions } from "./acceptor.js";
export type { GrpcTlsOptions } from "./channel.js";
export { createGrpcDialer, type GrpcDialerOptions } from "./dialer.js";
export { CONNECT_PATH } from "./service.js";
export {
  DEFAULT_CLOSE_TIMEOUT_MS,
  DEFAULT_KEEP_ALIVE_INTERVAL_MS,
  FLOW_CONTROL_WINDOW_BYTES,
  type StreamOptions,
} from "./stream-settings.js";
