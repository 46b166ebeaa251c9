import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_PROXY_HEADER_BYTES, readProxyHeader } from "./proxy-header.js";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const v2 = (hex: string): Buffer => Buffer.from(SIGNATURE + hex, "hex");
const v1 = (line: string): Buffer => Buffer.from(`${line}\r\n`, "latin1");

describe("version 1", () => {
  it.each([
    ["PROXY TCP4 192.0.2.7 198.51.100.1 56324 443", { host: "192.0.2.7", port: 56_324 }],
    ["PROXY TCP6 2001:db8::1 2001:db8::2 1 2", { host: "2001:db8::1", port: 1 }],
    ["PROXY UNKNOWN", undefined],
    ["PROXY UNKNOWN ffff::1 ffff::2 1 2", undefined],
  ])("%s", (line, source) => {
    const bytes = Buffer.concat([v1(line), Buffer.from("and what follows")]);
    expect(readProxyHeader(bytes)).toEqual({ kind: "header", bytes: line.length + 2, source });
  });

  it.each([
    "PROXY TCP4 192.0.2.7 198.51.100.1 56324",
    "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 more",
    "PROXY TCP4 ::1 ::1 1 2",
    "PROXY TCP6 192.0.2.7 198.51.100.1 1 2",
    "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443",
    "PROXY TCP4 192.0.2.7 198.51.100.1 -1 443",
    "PROXY TCP4 example 198.51.100.1 1 443",
    "PROXY UDP4 192.0.2.7 198.51.100.1 1 443",
    "PROXY ",
    `PROXY TCP4 ${"1".repeat(200)}`,
  ])("%s is none", (line) => {
    expect(readProxyHeader(v1(line)).kind).toBe("invalid");
  });
});

describe("version 2", () => {
  it.each([
    ["TCP over IPv4", "2111000cc0000207c6336401dc0401bb", { host: "192.0.2.7", port: 56_324 }],
    [
      "TCP over IPv6",
      "21210024" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" + "00010002",
      { host: "2001:db8::1", port: 1 },
    ],
    [
      "with values behind the addresses",
      "2111000fc0000207c6336401dc0401bb040000",
      { host: "192.0.2.7", port: 56_324 },
    ],
    ["a health check of its own", "20000000", undefined],
    ["UDP", "2112000cc0000207c6336401dc0401bb", undefined],
  ])("%s", (_name, hex, source) => {
    const header = v2(hex);
    expect(readProxyHeader(Buffer.concat([header, Buffer.from("more")]))).toEqual({
      kind: "header",
      bytes: header.length,
      source,
    });
  });

  it.each([
    ["another version", "1111000cc0000207c6336401dc0401bb"],
    ["an unknown command", "2211000cc0000207c6336401dc0401bb"],
    ["addresses that are too short", "21110004c0000207"],
    ["a length beyond all use", "2111ffff"],
  ])("%s is none", (_name, hex) => {
    expect(readProxyHeader(v2(hex)).kind).toBe("invalid");
  });
});

it.each([
  ["HTTP", "GET /v1/connect HTTP/1.1\r\n"],
  ["TLS", "\u0016\u0003\u0001"],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
])("%s without a header is none, by its first bytes", (_name, text) => {
  expect(readProxyHeader(Buffer.from(text, "latin1")).kind).toBe("invalid");
});

it("a header in pieces is incomplete until its last byte", () => {
  for (const whole of [
    v1("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443"),
    v2("2111000cc0000207c6336401dc0401bb"),
  ]) {
    for (let n = 0; n < whole.length; n += 1)
      expect(readProxyHeader(whole.subarray(0, n)).kind).toBe("incomplete");
    expect(readProxyHeader(whole).kind).toBe("header");
  }
});

it("whatever comes, it answers, and never asks for more than its bound", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(Buffer.alloc(0), Buffer.from("PROXY "), Buffer.from(SIGNATURE, "hex")),
      fc.uint8Array({ maxLength: MAX_PROXY_HEADER_BYTES }),
      (start, rest) => {
        const bytes = Buffer.concat([start, rest, Buffer.alloc(MAX_PROXY_HEADER_BYTES)]);
        const header = readProxyHeader(bytes);
        expect(header.kind).not.toBe("incomplete");
        if (header.kind === "header") expect(header.bytes).toBeLessThanOrEqual(MAX_PROXY_HEADER_BYTES);
      },
    ),
  );
});
