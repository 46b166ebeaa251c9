import { HawserError, thrownText } from "@hawser/protocol";
import { member } from "./json-member.js";

/**
 * Loads a package that is installed only where it is used.
 *
 * @param version the major version that is known to work
 * @throws HawserError `invalid_config` that says what to install, or why what is installed does not load
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
