/** The one method: a bidirectional stream of `io.cloudevents.v1.CloudEvent` (PROTOCOL.md, gRPC). */
export const CONNECT_PATH = "/hawser.v1.Hawser/Connect";

export const CONTENT_TYPE = "application/grpc+proto";

/** Status numbers of gRPC that this transport itself gives or understands. */
export const GRPC_STATUS = {
  ok: 0,
  resourceExhausted: 8,
  permissionDenied: 7,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** `application/grpc`, whatever message encoding is named behind it. */
export function isGrpcContentType(value: string | undefined): boolean {
  return value !== undefined && /^application\/grpc(?:$|[+;])/.test(value);
}

/** A `grpc-message` as it travels: printable ASCII without `%`, everything else as percent-encoded UTF-8. */
export function encodeGrpcMessage(message: string): string {
  return message.replaceAll(/[^\x20-\x24\x26-\x7e]+/gu, encodeText);
}

/** Reads a `grpc-message`; what is not valid percent-encoding stands for itself. */
export function decodeGrpcMessage(value: string | undefined): string {
  if (value === undefined) return "";
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** A whole number from a header or trailer; undefined when it is none. */
export function parseNumber(value: string | readonly string[] | undefined): number | undefined {
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

function encodeText(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
    "",
  );
}

/** How a server names the time to come back (gRPC proposal A6); milliseconds. */
export const PUSHBACK_HEADER = "grpc-retry-pushback-ms";
