import { HawserError, thrownText } from "@hawser/protocol";
import { member } from "./json-member.js";

/**
 * Loads an optional package.
 * @param version the major version known to work
 * @throws HawserError `invalid_config` with the command to install it, or the reason of the
 *   failure
 */
export async function loadPeer<Module>(
  name: string,
  version: number,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const install = `npm install ${name}@${version}`;
    const missing = member(cause, "code") === "ERR_MODULE_NOT_FOUND";
    const reason = thrownText(cause);
    const message = missing
      ? `is not installed: ${install}`
      : `does not load (what works: ${install}): ${reason}`;
    throw new HawserError("invalid_config", `the package ${name} ${message}`, { cause });
  }
}
