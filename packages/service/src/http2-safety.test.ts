import { expect, test } from "vitest";
import { http2Safety } from "./http2-safety.js";

test.each(["1.68.1", "1.68.2", "1.69.0", "1.70.0", "2.0.0", undefined])("nghttp2 %s is safe", (nghttp2) => {
  expect(http2Safety({ node: "24.21.0", nghttp2 })).toEqual({ kind: "safe" });
});

test.each(["1.61.0", "1.68.0", "1.7.9", "0.99.0"])(
  "nghttp2 %s is not, and says which versions are",
  (nghttp2) => {
    expect(http2Safety({ node: "20.20.0", nghttp2 })).toEqual({
      kind: "unsafe",
      message: expect.stringContaining(`Node 20.20.0 has nghttp2 ${nghttp2}; good are Node 22.23, 24.21`),
    });
  },
);
