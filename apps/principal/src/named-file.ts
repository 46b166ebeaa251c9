import { readFileSync, statSync } from "node:fs";
import { HawserError, thrownText } from "@hawser/protocol";

/** @throws HawserError `invalid_config` naming the setting, the file and why it cannot be read */
export function readNamedFile(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = thrownText(cause);
    throw new HawserError("invalid_config", `${setting}: the file cannot be read: ${reason}`, { cause });
  }
}

/** Whether users besides its owner may read a file. False for one that is not there. */
export function isReadByOthers(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
}
