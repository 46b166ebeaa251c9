import { createPrivateKey, X509Certificate } from "node:crypto";

/** The content of a file, with its setting. */
export interface NamedContent {
  readonly setting: string;
  readonly path: string;
  readonly content: string | Buffer;
}

/** Problems of a certificate and its key, each with its file; empty for a usable pair. */
export function certificatePairProblems(cert: NamedContent, key: NamedContent): readonly string[] {
  const certificate = madeOf(() => new X509Certificate(cert.content));
  const privateKey = madeOf(() => createPrivateKey(key.content));
  const problems: string[] = [];
  if (certificate === undefined)
    problems.push(`${cert.setting} ${cert.path} holds no certificate in PEM form${swapped(cert, "KEY")}`);
  if (privateKey === undefined)
    problems.push(
      `${key.setting} ${key.path} holds no private key in PEM form without a passphrase${swapped(key, "CERTIFICATE")}`,
    );
  if (certificate !== undefined && privateKey !== undefined && !certificate.checkPrivateKey(privateKey))
    problems.push(
      `${key.setting} ${key.path} is not the key of ${cert.setting} ${cert.path}; give the pair that belongs together`,
    );
  return problems;
}

function swapped({ content }: NamedContent, other: "KEY" | "CERTIFICATE"): string {
  const holdsOther = new RegExp(`-----BEGIN [A-Z ]*${other}-----`).test(content.toString("latin1"));
  return holdsOther ? `, but a ${other.toLowerCase()}; are the two exchanged?` : "";
}

function madeOf<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
