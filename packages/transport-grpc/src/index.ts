export { createGrpcAcceptor, DEFAULT_HANDSHAKE_TIMEOUT_MS, type GrpcAcceptorOptions } from "./acceptor.js";
export type { GrpcTlsOptions } from "./channel.js";
export { createGrpcDialer, type GrpcDialerOptions } from "./dialer.js";
export { CONNECT_PATH } from "./service.js";
export { FLOW_CONTROL_WINDOW_BYTES } from "./flow-control.js";
