import type { MethodDefinition } from "@grpc/grpc-js";

/** The one method: a bidirectional stream of `io.cloudevents.v1.CloudEventBatch` (PROTOCOL.md, gRPC). */
export const CONNECT_PATH = "/hawser.v1.Hawser/Connect";

const unchanged = (bytes: Buffer): Buffer => bytes;

/**
 * The method as grpc-js defines it. Messages pass as bytes, so that a bad one ends with a close of
 * this protocol and not with a status of grpc-js.
 *
 * @param basePath precedes it, on a shared host; without a slash at its end
 */
export function connectMethod(basePath: string): MethodDefinition<Buffer, Buffer> {
  return {
    path: `${basePath}${CONNECT_PATH}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: unchanged,
    requestDeserialize: unchanged,
    responseSerialize: unchanged,
    responseDeserialize: unchanged,
  };
}

/** How a server names the time to come back (gRPC proposal A6); milliseconds. */
export const PUSHBACK_HEADER = "grpc-retry-pushback-ms";

/**
 * How far a message may exceed `maxFrameBytes` and still be read, so that a close with 1009 names
 * the problem. grpc-js refuses a longer one by its announced length.
 */
export const OVERSIZE_MARGIN_BYTES = 65_536;

/**
 * Unread bytes a trusted peer may have under way per stream: one frame of the largest size. The
 * initial 64 KiB of HTTP/2 would bound a stream to 1.3 MB/s at a round trip of 50 ms.
 */
export const FLOW_CONTROL_WINDOW_BYTES = 1_048_576;

/** Streams of one HTTP/2 connection with a session: a proxy may carry several agents over it. */
export const MAX_STREAMS_PER_SESSION = 16;

/** The same before that: an agent needs one, and a second one while it rotates. */
export const MAX_UNTRUSTED_STREAMS = 2;

/** Streams that a client without a connection may reset in the packet that opens them. */
export const MAX_SPOILT_STREAMS = 16;

/** A whole number from a header or trailer; undefined when it is none. */
export function parseNumber(value: unknown): number | undefined {
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** Text as a `grpc-message` can carry it: grpc-js throws on half a surrogate pair. */
export function asStatusMessage(text: string): string {
  return Buffer.from(text).toString();
}
