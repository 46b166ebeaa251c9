import { checkServerIdentity as checkNames, type PeerCertificate } from "node:tls";

/**
 * Checks that a certificate is for this host, by its subject alternative names alone (RFC 9525,
 * section 6), so that all transports ignore the common name alike. For `node:tls` and `node:https`
 * as `checkServerIdentity`.
 *
 * @returns an error that says what to do, or undefined
 */
export function checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const { subject, subjectaltname } = certificate;
  if (subjectaltname === undefined)
    return withCode(
      `the server's certificate (${nameOf(subject)}) has no subject alternative name, and its common name is not looked at; issue one with subjectAltName=DNS:<host> or IP:<address> for ${host}`,
    );
  // Node looks at the common name where the alternative names hold no host.
  const failure = checkNames(host, { ...certificate, subject: { ...subject, CN: "" } });
  if (failure === undefined) return undefined;
  return withCode(
    `the server's certificate is not for ${host} but for ${subjectaltname}; use one of these names, or issue one for this name`,
    failure,
  );
}

function nameOf(subject: PeerCertificate["subject"]): string {
  const { CN } = subject;
  return CN === undefined ? "without a name" : `CN=${String(CN)}`;
}

/** With Node's own code, which callers check. */
function withCode(message: string, cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}
