import { readFileSync } from "node:fs";
import * as tls from "node:tls";
import { HawserError, thrownText } from "@hawser/protocol";

/** The word for the system's authorities in a setting. */
export const SYSTEM_AUTHORITIES = "system";

/** PEM bundles of Linux distributions and BSDs. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** The parts of a setting such as `system,/etc/hawser/ca.pem`. */
export function authoritiesOf(setting: string): readonly string[] {
  return setting
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/**
 * The PEM texts of a setting with files and the word `system`. They replace Node's own authorities.
 * @throws HawserError `invalid_config` naming what cannot be read
 */
export function readAuthorities(
  setting: string,
  readFile: (path: string) => string = (path) => readFileSync(path, "utf8"),
): readonly string[] {
  return authoritiesOf(setting).flatMap((part) =>
    part === SYSTEM_AUTHORITIES ? systemAuthorities(readFile) : [readPem(part, readFile)],
  );
}

function readPem(path: string, readFile: (path: string) => string): string {
  let text: string;
  try {
    text = readFile(path);
  } catch (cause) {
    const reason = thrownText(cause);
    throw new HawserError("invalid_config", `the authority ${path} cannot be read: ${reason}`, { cause });
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new HawserError("invalid_config", `the authority ${path} holds no certificate in PEM form`);
}

// Node.js lists them from 22.15 on; older versions need the file.
function systemAuthorities(readFile: (path: string) => string): readonly string[] {
  if ("getCACertificates" in tls && typeof tls.getCACertificates === "function") {
    const found: unknown = tls.getCACertificates("system");
    if (Array.isArray(found) && found.length > 0) return found.map(String);
  }
  for (const path of SYSTEM_BUNDLES) {
    try {
      return [readPem(path, readFile)];
    } catch {
      // Other distributions use another path.
    }
  }
  throw new HawserError(
    "invalid_config",
    `the authorities of this system were not found (looked for ${SYSTEM_BUNDLES.join(", ")}); install the package ca-certificates, or name a file`,
  );
}
