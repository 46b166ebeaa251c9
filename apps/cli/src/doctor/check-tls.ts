import { readFileSync } from "node:fs";
import { connect, type PeerCertificate } from "node:tls";
import type { Clock } from "@hawser/runtime";
import { checkServerIdentity } from "@hawser/transport";
import { CERTIFICATE_WARNING_DAYS } from "@hawser/service";
import { fail, ok, warn, type Check } from "./check.js";

const TIMEOUT_MS = 5_000;
const DAY_MS = 86_400_000;

export interface TlsQuestion {
  /** `host:port` of the agents' port. */
  readonly address: string;
  /** PEM file of the authority; absent: the well-known ones. */
  readonly ca: string | undefined;
}

/** Does the agents' port speak TLS, with a certificate that an agent would trust, and for how long yet. */
export async function checkTls({ address, ca }: TlsQuestion, clock: Clock): Promise<Check> {
  const name = `tls ${address}`;
  const [, host = "", port = ""] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(address) ?? [];
  if (port === "" || Number(port) > 65_535)
    return fail(name, "is no address", "give --tls host:7480, the agents' port");
  try {
    const trusted = ca === undefined ? {} : { ca: readFileSync(ca) };
    return judge(name, await shakeHands(host, Number(port), trusted), clock);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return fail(name, reason, remedy(codeOf(thrown)));
  }
}

function shakeHands(host: string, port: number, trusted: { readonly ca?: Buffer }): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ...trusted,
      ALPNProtocols: ["http/1.1"],
      servername: host,
      checkServerIdentity,
    });
    socket.setTimeout(TIMEOUT_MS, () => {
      socket.destroy(
        Object.assign(new Error(`no TLS handshake within ${TIMEOUT_MS} ms`), { code: "ETIMEDOUT" }),
      );
    });
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

function judge(name: string, { subject, valid_to }: PeerCertificate, clock: Clock): Check {
  const days = Math.floor((Date.parse(valid_to) - clock.wallTime()) / DAY_MS);
  const shown = `${String(subject.CN)}, trusted, good for ${days} days`;
  if (days >= CERTIFICATE_WARNING_DAYS) return ok(name, shown);
  return warn(
    name,
    shown,
    "renew the certificate: write it and its key over the old ones; no restart is needed",
  );
}

function remedy(code: string | undefined): string {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return "renew the certificate of --tls-cert";
    case "CERT_NOT_YET_VALID":
      return "set the clocks right (NTP)";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "use a name that the certificate is for, or issue one for this name";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "give the authority's certificate with --tls-ca, as agents need it too";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
    case "ECONNRESET":
      return "no TLS is spoken there: start the principal with --tls-cert and --tls-key, or use ws:// and grpc://";
    default:
      return "name the agents' port of a principal that is running (7480 by default), and a --tls-ca that can be read";
  }
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}
