import { mkdtemp, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY: ReadonlySet<string> = new Set(["tmpfs", "ramfs"]);
/** Linux's magic numbers of file systems (statfs(2)). */
const NAMES: Readonly<Record<number, string>> = {
  0x01021994: "tmpfs",
  0x858458f6: "ramfs",
  0xef53: "ext4",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x794c7630: "overlayfs",
};

/** A new directory for the stores, and what it lies on. */
export interface DiskPlace {
  readonly directory: string;
  readonly fileSystem: string;
}

/**
 * Durability costs nothing on a file system in memory, so one is not accepted.
 *
 * @throws Error naming the flag that mends it
 */
export async function makeDiskPlace(parent: string = tmpdir()): Promise<DiskPlace> {
  const { type } = await statfs(parent);
  const fileSystem = NAMES[type] ?? `file system 0x${type.toString(16)}`;
  if (IN_MEMORY.has(fileSystem))
    throw new Error(
      `${parent} is ${fileSystem}, where nothing is durable; name a directory on a disk with --directory`,
    );
  return { directory: await mkdtemp(join(parent, "hawser-bench-")), fileSystem };
}
