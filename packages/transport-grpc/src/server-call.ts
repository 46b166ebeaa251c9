import type { ServerDuplexStream } from "@grpc/grpc-js";

/** The principal's end of a stream, as grpc-js has it. */
export type ServerCall = ServerDuplexStream<Buffer, Buffer>;
