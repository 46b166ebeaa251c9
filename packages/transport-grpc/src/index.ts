export { createGrpcAcceptor, DEFAULT_HANDSHAKE_TIMEOUT_MS, type GrpcAcceptorOptions } from "./acceptor.js";
export { createGrpcDialer, type GrpcDialerOptions } from "./dialer.js";
export { CONNECT_PATH } from "./service.js";
