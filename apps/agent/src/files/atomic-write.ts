import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface AtomicWrite {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Name of the temporary file beside `path`. Deterministic, so that what a crash left behind is taken over by the next try. */
  readonly temporaryName: string;
}

/**
 * Replaces a file so that readers and crashes see the old content or the new, never a part: a temporary file in the same directory is written and synced, renamed over `path`,
 * and the directory is synced. A symbolic link at `path` is replaced, not followed.
 */
export async function writeAtomically({ path, content, mode, temporaryName }: AtomicWrite): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, temporaryName);
  await rm(temporary, { force: true });
  try {
    // Exclusive: a link somebody put there meanwhile is not followed.
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  await syncDirectory(directory);
}

/** Makes renames and removals in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
