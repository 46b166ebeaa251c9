import { HawserError } from "@hawser/protocol";
import { certificatePairProblems } from "@hawser/service";
import { readNamedFile } from "./named-file.js";

/** A certificate and its key, by the settings that name their files. */
export interface NamedPair {
  readonly cert: { readonly setting: string; readonly path: string | undefined };
  readonly key: { readonly setting: string; readonly path: string | undefined };
}

/**
 * Reads a certificate and its key. Undefined where neither is named.
 *
 * @throws HawserError `invalid_config` for one without the other, for a file that cannot be read or holds something else, and for two that do not fit
 */
export function readNamedPair({ cert, key }: NamedPair):
  | {
      readonly cert: string;
      readonly key: string;
    }
  | undefined {
  if ((cert.path === undefined) !== (key.path === undefined))
    throw new HawserError(
      "invalid_config",
      `${cert.setting} and ${key.setting} go together; one of them is missing`,
    );
  if (cert.path === undefined || key.path === undefined) return undefined;
  const read = {
    cert: readNamedFile(cert.setting, cert.path),
    key: readNamedFile(key.setting, key.path),
  };
  const problems = certificatePairProblems(
    { setting: cert.setting, path: cert.path, content: read.cert },
    { setting: key.setting, path: key.path, content: read.key },
  );
  if (problems.length > 0) throw new HawserError("invalid_config", problems.join("\n"));
  return read;
}
