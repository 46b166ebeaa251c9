import { spawnSync } from "node:child_process";

/** A certificate and its key, by their files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

/**
 * A certificate that is its own authority, made in `<base>.pem` and `<base>.key`.
 *
 * @param names subject alternative names; none: it has only its common name
 */
export function makeCertificate(
  base: string,
  { commonName = "test only", names = "IP:127.0.0.1,DNS:localhost", days = 100 } = {},
): CertificateFiles {
  const [cert, key] = [`${base}.pem`, `${base}.key`];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const alternative = names === "" ? [] : ["-addext", `subjectAltName=${names}`];
  const subject = ["-subj", `/CN=${commonName}`, "-days", String(days)];
  openssl(["req", "-x509", ...curve, ...subject, ...alternative, "-keyout", key, "-out", cert]);
  return { cert, key };
}
