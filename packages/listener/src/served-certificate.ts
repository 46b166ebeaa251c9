import { X509Certificate } from "node:crypto";

/** A certificate that a port of this process serves. */
export interface ServedCertificate {
  readonly port: "agents" | "api";
  /** When it ends, in Unix milliseconds. */
  readonly notAfter: number;
}

/** When the first certificate of a PEM text ends, in Unix milliseconds. */
export function notAfterOf(certificate: X509Certificate | string | Buffer): number {
  const { validTo } = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate);
  return Date.parse(validTo);
}
