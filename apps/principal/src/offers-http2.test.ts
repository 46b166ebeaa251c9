import { silentLogger } from "@hawser/runtime";
import { expect, test } from "vitest";
import { offersHttp2 } from "./offers-http2.js";

const OLD = { node: "20.20.0", nghttp2: "1.61.0" };
const NEW = { node: "24.21.0", nghttp2: "1.70.0" };

test.each([
  { versions: NEW, host: "0.0.0.0", allowOldHttp2: false, isOffered: true, warnings: 0 },
  { versions: OLD, host: "127.0.0.1", allowOldHttp2: false, isOffered: true, warnings: 1 },
  { versions: OLD, host: "0.0.0.0", allowOldHttp2: false, isOffered: false, warnings: 1 },
  { versions: OLD, host: "192.0.2.1", allowOldHttp2: true, isOffered: true, warnings: 1 },
  {
    versions: OLD,
    host: "::1",
    internal: { host: "::", port: 0 },
    allowOldHttp2: false,
    isOffered: false,
    warnings: 1,
  },
  {
    versions: OLD,
    host: "::1",
    internal: { host: "::", port: 0 },
    allowOldHttp2: true,
    isOffered: true,
    warnings: 1,
  },
  {
    versions: OLD,
    host: "::1",
    internal: { host: "::1", port: 0 },
    allowOldHttp2: false,
    isOffered: true,
    warnings: 1,
  },
  {
    versions: OLD,
    host: "::1",
    internal: { path: "/run/i" },
    allowOldHttp2: false,
    isOffered: true,
    warnings: 1,
  },
])("$versions.nghttp2 on $host and $internal, allowed: $allowOldHttp2 -> $isOffered", (given) => {
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (_fields: object, line?: string) => void lines.push(String(line)) };
  const { host, internal: internalListen, allowOldHttp2, versions, isOffered, warnings } = given;
  const settings = { listen: { host, port: 7480 }, internalListen, allowOldHttp2 };
  expect(offersHttp2(settings, logger, versions)).toBe(isOffered);
  expect(lines).toHaveLength(warnings);
  for (const line of lines) expect(line).toMatch(/good are Node 22\.23, 24\.21/);
});
