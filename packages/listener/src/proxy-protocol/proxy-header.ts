import { isIPv4, isIPv6 } from "node:net";

/** A header of the PROXY protocol, versions 1 and 2. */
export type ProxyHeader =
  /** More bytes are needed; never more than `MAX_PROXY_HEADER_BYTES` of them. */
  | { readonly kind: "incomplete" }
  /** The bytes are no such header. */
  | { readonly kind: "invalid" }
  /** `source` is absent for health checks of the load balancer, and where it does not know it. */
  | { readonly kind: "header"; readonly bytes: number; readonly source: ProxySource | undefined };

/** The address of the client. */
export interface ProxySource {
  readonly host: string;
  readonly port: number;
}

/** Version 1 has 107 bytes at most (section 2.1), version 2 16 and those its length field names. */
const MAX_V1_BYTES = 107;
const V2_FIXED_BYTES = 16;
/** Addresses take 36 bytes, or 216 for Unix sockets; the rest are type-length-values, not read here. */
const MAX_V2_BYTES = V2_FIXED_BYTES + 2_048;

/** A header that announces more is invalid. */
export const MAX_PROXY_HEADER_BYTES = MAX_V2_BYTES;

const V1_PREFIX = Buffer.from("PROXY ");
const V2_SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

const INCOMPLETE: ProxyHeader = { kind: "incomplete" };
const INVALID: ProxyHeader = { kind: "invalid" };

/** Reads the header at the beginning of the bytes a connection has sent so far. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAs(bytes, V2_SIGNATURE)) return readV2(bytes);
  if (startsAs(bytes, V1_PREFIX)) return readV1(bytes);
  return INVALID;
}

function startsAs(bytes: Buffer, prefix: Buffer): boolean {
  const length = Math.min(bytes.length, prefix.length);
  return bytes.subarray(0, length).equals(prefix.subarray(0, length));
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf("\r\n");
  if (end === -1) return bytes.length < MAX_V1_BYTES ? INCOMPLETE : INVALID;
  const length = end + 2;
  const parts = bytes.toString("latin1", 0, end).split(" ");
  const [, family, host, , port] = parts;
  if (family === "UNKNOWN") return { kind: "header", bytes: length, source: undefined };
  const isHost = family === "TCP4" ? isIPv4(host ?? "") : family === "TCP6" && isIPv6(host ?? "");
  if (!isHost || host === undefined || port === undefined || parts.length !== 6) return INVALID;
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return INVALID;
  return { kind: "header", bytes: length, source: { host, port: Number(port) } };
}

function readV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_BYTES) return INCOMPLETE;
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (command >> 4 !== 2 || (command & 0xf) > 1 || length > MAX_V2_BYTES) return INVALID;
  if (bytes.length < length) return INCOMPLETE;
  const isLocal = (command & 0xf) === 0;
  if (isLocal) return { kind: "header", bytes: length, source: undefined };
  const addresses = bytes.subarray(V2_FIXED_BYTES, length);
  // TCP over IPv4 and IPv6; other families (UDP, Unix sockets) name no client.
  if (family === 0x11) return addresses.length < 12 ? INVALID : tcp4(addresses, length);
  if (family === 0x21) return addresses.length < 36 ? INVALID : tcp6(addresses, length);
  return { kind: "header", bytes: length, source: undefined };
}

function tcp4(addresses: Buffer, bytes: number): ProxyHeader {
  const host = [...addresses.subarray(0, 4)].join(".");
  return { kind: "header", bytes, source: { host, port: addresses.readUInt16BE(8) } };
}

function tcp6(addresses: Buffer, bytes: number): ProxyHeader {
  const groups = Array.from({ length: 8 }, (_, n) => addresses.readUInt16BE(2 * n).toString(16));
  const { hostname } = new URL(`http://[${groups.join(":")}]`);
  return {
    kind: "header",
    bytes,
    source: { host: hostname.slice(1, -1), port: addresses.readUInt16BE(32) },
  };
}
