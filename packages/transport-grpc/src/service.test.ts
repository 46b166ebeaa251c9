import { expect, it } from "vitest";
import { decodeGrpcMessage, encodeGrpcMessage, isGrpcContentType, parseNumber } from "./service.js";

it("grpc-message survives the wire as printable ASCII", () => {
  for (const message of ["", "plain", "100 % ü 漢 🚢", "line\nbreak\u0000", "%41", '~ "quoted"']) {
    const encoded = encodeGrpcMessage(message);
    expect(encoded).toMatch(/^[\x20-\x7e]*$/);
    expect(decodeGrpcMessage(encoded)).toBe(message);
  }
  expect(encodeGrpcMessage("a%b")).toBe("a%25b");
});

it("a grpc-message that is not valid percent-encoding stands for itself", () => {
  expect(decodeGrpcMessage("100 %")).toBe("100 %");
  expect(decodeGrpcMessage("%ff")).toBe("%ff");
});

it.each([
  ["application/grpc", true],
  ["application/grpc+proto", true],
  ["application/grpc;charset=utf-8", true],
  ["application/grpc-web", false],
  ["application/json", false],
  [undefined, false],
])("content type %s: %s", (value, expected) => {
  expect(isGrpcContentType(value)).toBe(expected);
});

it("numbers of headers are whole and small", () => {
  expect(["0", "4002", "", "-1", "1e3", "9999999999", undefined].map(parseNumber)).toEqual([
    0,
    4002,
    ...Array.from({ length: 5 }, () => undefined),
  ]);
});
