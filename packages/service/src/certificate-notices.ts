import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ServiceNotice } from "./notices.js";

const DAY_MS = 86_400_000;

/** Days before expiry when warnings begin: time for a manual renewal, and after automatic ones. */
export const CERTIFICATE_WARNING_DAYS = 14;

/** A certificate file and its setting. */
export interface CertificateFile {
  readonly setting: string;
  /** Undefined for none. */
  readonly path: string | undefined;
}

/** The expiry of a certificate in words; undefined while it is far. */
export function expiryProblem(notAfterMs: number, nowMs: number): string | undefined {
  const days = (notAfterMs - nowMs) / DAY_MS;
  const end = new Date(notAfterMs).toISOString();
  if (days < 0) return `ended ${Math.ceil(-days)} days ago (${end})`;
  return days < CERTIFICATE_WARNING_DAYS ? `ends in ${Math.floor(days)} days (${end})` : undefined;
}

/** Notices of certificates that expire soon. Others report unreadable files. */
export function certificateNotices(
  files: readonly CertificateFile[],
  nowMs: number,
): readonly ServiceNotice[] {
  return files.flatMap(({ setting, path }) => {
    const notAfterMs = path === undefined ? undefined : certificateNotAfter(path);
    const problem = notAfterMs === undefined ? undefined : expiryProblem(notAfterMs, nowMs);
    if (problem === undefined) return [];
    return [
      {
        detail: `the certificate of ${setting} ${path} ${problem}`,
        fix: "write the new certificate and its key over the old ones; no restart is needed",
      },
    ];
  });
}

/** Expiry of a certificate in Unix milliseconds; undefined if unreadable. */
export function certificateNotAfter(path: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(readFileSync(path)).validTo);
  } catch {
    return undefined;
  }
}
