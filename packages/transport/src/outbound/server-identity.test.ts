import { describe, expect, test } from "vitest";
import type { PeerCertificate } from "node:tls";
import { checkServerIdentity } from "./server-identity.js";

const certificate = (CN: string, subjectaltname?: string): PeerCertificate =>
  ({ subject: { CN }, ...(subjectaltname === undefined ? {} : { subjectaltname }) }) as PeerCertificate;

describe("whether a certificate is for a host", () => {
  test.each([
    ["principal.example", "DNS:principal.example"],
    ["a.principal.example", "DNS:*.principal.example"],
    ["127.0.0.1", "DNS:localhost, IP Address:127.0.0.1"],
    ["::1", "IP Address:0:0:0:0:0:0:0:1"],
  ])("%s: yes, by %s, whatever the common name says", (host, names) => {
    expect(checkServerIdentity(host, certificate("other", names))).toBeUndefined();
  });

  test.each([
    ["principal.example", "DNS:other.example"],
    ["principal.example", "IP Address:127.0.0.1"],
    ["principal.example", "email:root@principal.example"],
    ["127.0.0.1", "DNS:127.0.0.1"],
  ])("%s: no, by %s, even where the common name is the host", (host, names) => {
    const error = checkServerIdentity(host, certificate(host, names));
    expect(error).toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    expect(error?.message).toContain(`is not for ${host} but for ${names}`);
  });

  test("no, without any alternative name, and it says what to do", () => {
    const error = checkServerIdentity("principal.example", certificate("principal.example"));
    expect(error).toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    expect(error?.message).toMatch(/CN=principal\.example.*no subject alternative name.*subjectAltName=DNS:/);
  });
});
