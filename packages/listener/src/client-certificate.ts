import { isAgentName } from "@hawser/protocol";
import type { ClientCertificate } from "@hawser/transport";
import type { X509Certificate } from "node:crypto";

/** RFC 5280, section 4.2.1.12: `id-kp-clientAuth`. */
const CLIENT_AUTHENTICATION = "1.3.6.1.5.5.7.3.2";
/** NIST SP 800-57 forbids less than 112 bits of security. */
const MIN_RSA_BITS = 2048;
const ELLIPTIC_CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1", "secp521r1"];

/**
 * Reads a client certificate whose chain is verified already (PROTOCOL.md, Names in certificates).
 *
 * @param own the certificate of this server, which stands for no agent even where it may be used so
 */
export function readClientCertificate(certificate: X509Certificate, own: X509Certificate): ClientCertificate {
  const problem = problemOf(certificate, own);
  if (problem !== undefined) return { kind: "unusable", problem };
  return { kind: "usable", names: agentNamesOf(certificate) };
}

function problemOf(certificate: X509Certificate, own: X509Certificate): string | undefined {
  const { keyUsage, publicKey } = certificate;
  // Node's name is wrong: it lists the extended usages, and is undefined where there are none.
  const usages: readonly string[] | undefined = keyUsage;
  if (usages !== undefined && !usages.includes(CLIENT_AUTHENTICATION))
    return "the certificate is not for client authentication";
  if (publicKey.equals(own.publicKey)) return "the certificate is that of the principal itself";
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  switch (type) {
    case "ed25519":
    case "ed448":
      return undefined;
    case "rsa":
    case "rsa-pss":
      if ((details?.modulusLength ?? 0) >= MIN_RSA_BITS) return undefined;
      return `the certificate's RSA key has ${details?.modulusLength} bits; at least ${MIN_RSA_BITS} are needed`;
    case "ec":
      if (ELLIPTIC_CURVES.includes(details?.namedCurve)) return undefined;
      return `the certificate's key is on the curve ${details?.namedCurve}; P-256, P-384 and P-521 are accepted`;
    default:
      return `the certificate's key is of the kind ${type}; RSA, EC and Ed25519 are accepted`;
  }
}

/** The subject alternative names (RFC 5280, section 4.2.1.6), or else the common name. */
function agentNamesOf({ subjectAltName, subject }: X509Certificate): readonly string[] {
  const names = new Set<string>();
  for (const { kind, value } of alternativeNames(subjectAltName ?? "")) {
    const name = kind === "URI" ? nameOfUri(value) : kind === "DNS" ? value : undefined;
    if (name !== undefined && isAgentName(name)) names.add(name);
  }
  if (names.size > 0) return [...names];
  const common = subject.split("\n").filter((line) => line.startsWith("CN="));
  const name = common[0]?.slice("CN=".length);
  // Of several common names it is unknown which one the authority meant.
  return common.length === 1 && name !== undefined && isAgentName(name) ? [name] : [];
}

/** `spiffe://<trust domain>/…/agent/<name>` or `urn:hawser:agent:<name>`. */
function nameOfUri(uri: string): string | undefined {
  return (
    /^spiffe:\/\/[^/?#]+(?:\/[^/?#]+)*\/agent\/([^/?#]+)$/.exec(uri)?.[1] ??
    /^urn:hawser:agent:(.+)$/.exec(uri)?.[1]
  );
}

/** Node writes `<kind>:<value>`, separated by `, `; an ambiguous value is a JSON string. */
function* alternativeNames(text: string): Generator<{ readonly kind: string; readonly value: string }> {
  for (const match of text.matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/g)) {
    const [, kind = "", value = ""] = match;
    yield { kind, value: value.startsWith('"') ? String(JSON.parse(value)) : value };
  }
}
