import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { plainEnvironment } from "./programs.js";

/**
 * Commands by name in a folder of their own, as an installation would put them there.
 *
 * @returns the environment of a shell that finds them
 */
export async function createCommandFolder(
  folder: string,
  commands: Readonly<Record<string, string>>,
): Promise<NodeJS.ProcessEnv> {
  await mkdir(folder);
  for (const [name, program] of Object.entries(commands)) {
    const command = join(folder, name);
    await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    await chmod(command, 0o755);
  }
  return { ...plainEnvironment(), PATH: `${folder}${delimiter}${process.env.PATH ?? ""}` };
}
