import { X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { readClientCertificate } from "./client-certificate.js";
import { pem } from "./testing/pem.js";

const read = (name: string, own = "server") =>
  readClientCertificate(new X509Certificate(pem(name)), new X509Certificate(pem(own)));

it.each([
  ["client", ["agent-1"], "the common name where there is nothing else"],
  [
    "names-by-uri",
    ["edge-1", "edge-2", "edge-3.example.org"],
    "every name of the alternatives, and no foreign URI",
  ],
  ["names-by-dns", ["edge-1.example.org"], "no wildcard and no address"],
  ["name-quoted", ["edge-5"], "no name that is smuggled into another"],
  ["two-common-names", [], "none of several common names"],
  ["no-name", [], "none where there is none"],
])("%s.pem stands for %j: %s", (file, names) => {
  expect(read(file)).toEqual({ kind: "usable", names });
});

it.each([
  ["server-only", "the certificate is not for client authentication"],
  ["rsa-1024", "the certificate's RSA key has 1024 bits; at least 2048 are needed"],
])("%s.pem stands for nobody", (file, problem) => {
  expect(read(file)).toEqual({ kind: "unusable", problem });
});

it("does not take the principal's own certificate for an agent's", () => {
  expect(read("client", "client")).toEqual({
    kind: "unusable",
    problem: "the certificate is that of the principal itself",
  });
});
