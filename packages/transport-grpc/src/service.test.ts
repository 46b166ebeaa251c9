import { expect, it } from "vitest";
import { asStatusMessage, parseNumber } from "./service.js";

it("half a surrogate pair does not make grpc-js throw", () => {
  expect(() => encodeURI(asStatusMessage("half \ud83d of a ship"))).not.toThrow();
  expect(asStatusMessage("100 % ü 漢 🚢")).toBe("100 % ü 漢 🚢");
});

it("numbers of headers are whole and small", () => {
  const texts = ["0", "4002", "", "-1", "1e3", "9999999999", undefined, Buffer.from("1")];
  expect(texts.map(parseNumber)).toEqual([0, 4002, ...Array.from({ length: 6 }, () => undefined)]);
});
