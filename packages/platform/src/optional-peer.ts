import { HawserError } from "@hawser/protocol";

/**
 * Loads a package that is installed only where it is used.
 *
 * @throws HawserError `invalid_config` that says what to install
 */
export async function loadPeer<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new HawserError("invalid_config", `${name} could not be loaded: install it (npm install ${name})`, {
      cause,
    });
  }
}
