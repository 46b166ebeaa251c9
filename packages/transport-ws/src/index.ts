export {
  createWebSocketAcceptor,
  DEFAULT_HANDSHAKE_TIMEOUT_MS,
  DEFAULT_MAX_HEADER_BYTES,
  type WebSocketAcceptorOptions,
} from "./acceptor.js";
export { createWebSocketDialer, type WebSocketDialerOptions } from "./dialer.js";
export { DEFAULT_PATH } from "./stream-settings.js";
export { type Subprotocol, SUBPROTOCOLS } from "./subprotocol.js";
