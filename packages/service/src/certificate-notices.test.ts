import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { certificateNotices, expiryProblem } from "./certificate-notices.js";

const DAY_MS = 86_400_000;
const END = Date.parse("2026-12-15T12:00:00Z");
const path = fileURLToPath(new URL("../../listener/src/testing/certificates/server.pem", import.meta.url));

it.each([
  [15, undefined],
  [14, undefined],
  [13.9, "ends in 13 days (2026-12-15T12:00:00.000Z)"],
  [0.5, "ends in 0 days (2026-12-15T12:00:00.000Z)"],
  [-0.5, "ended 1 days ago (2026-12-15T12:00:00.000Z)"],
])("with %d days to go: %s", (days, problem) => {
  expect(expiryProblem(END, END - days * DAY_MS)).toBe(problem);
});

it("names the setting and the file, and says what to do", () => {
  const end = Date.parse(new X509Certificate(readFileSync(path)).validTo);
  const files = [
    { setting: "--tls-cert", path },
    { setting: "--api-tls-cert", path: undefined },
    { setting: "--api-tls-cert", path: "/nowhere" },
  ];
  expect(certificateNotices(files, end - 20 * DAY_MS)).toEqual([]);
  const [notice, ...more] = certificateNotices(files, end - 2 * DAY_MS);
  expect(more).toEqual([]);
  expect(notice?.detail).toContain(`the certificate of --tls-cert ${path} ends in 2 days`);
  expect(notice?.fix).toMatch(/no restart is needed/);
});
