import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ServiceNotice } from "./notices.js";

const DAY_MS = 86_400_000;

/** From so many days before its end a certificate is warned of: time to renew it by hand, and less than what renews by itself leaves. */
export const CERTIFICATE_WARNING_DAYS = 14;

/** A file with a certificate, and the setting that names it. */
export interface CertificateFile {
  readonly setting: string;
  /** Undefined: there is none. */
  readonly path: string | undefined;
}

/** How long a certificate is good for yet, in words: undefined while that is long enough. */
export function expiryProblem(notAfterMs: number, nowMs: number): string | undefined {
  const days = (notAfterMs - nowMs) / DAY_MS;
  const end = new Date(notAfterMs).toISOString();
  if (days < 0) return `ended ${Math.ceil(-days)} days ago (${end})`;
  return days < CERTIFICATE_WARNING_DAYS ? `ends in ${Math.floor(days)} days (${end})` : undefined;
}

/** Which of these certificates end soon. A file that cannot be read is somebody else's to tell. */
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

/** When the certificate in a file ends, in Unix milliseconds. Undefined for one that cannot be read. */
export function certificateNotAfter(path: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(readFileSync(path)).validTo);
  } catch {
    return undefined;
  }
}
