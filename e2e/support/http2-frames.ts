import { CONNECT_PATH } from "@hawser/transport-grpc";

/** What a client of HTTP/2 begins with (RFC 9113, section 3.4). */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;

/** RFC 9113, section 4.1. */
export function http2Frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A literal header that is not indexed (RFC 7541, section 6.2.2); names and values below 127 bytes. */
export function headerField(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/** The fields of a request for the one method. */
export function connectFields(more: Readonly<Record<string, string>> = {}): Buffer {
  return Buffer.concat(
    Object.entries({
      ":method": "POST",
      ":scheme": "http",
      ":path": CONNECT_PATH,
      ":authority": "127.0.0.1",
      "content-type": "application/grpc",
      te: "trailers",
      ...more,
    }).map(([name, value]) => headerField(name, value)),
  );
}

/** A request for the one method on this stream, whose body may follow. */
export const connectStream = (stream: number, more: Readonly<Record<string, string>> = {}): Buffer =>
  http2Frame(FRAME.headers, END_HEADERS, stream, connectFields(more));

/** SETTINGS without any. */
export const SETTINGS = http2Frame(FRAME.settings, 0, 0);

/** RST_STREAM with CANCEL. */
export const resetStream = (stream: number): Buffer =>
  http2Frame(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8]));

/** Before nghttp2 1.68.1 a few frames end a process in C (CVE-2026-27135): there is nothing to find on such a Node but this. */
export function isHttp2Safe(version = process.versions["nghttp2"] ?? "0"): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 1_068_001;
}
