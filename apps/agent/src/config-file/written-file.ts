import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { syncDirectory } from "../files/atomic-write.js";
import { errorCode } from "../files/system-error.js";
import { rejected } from "./config-file-spec.js";

interface FileOnDisk {
  readonly sha256: string;
  readonly mode: number;
}

/** True when `path` is a regular file with this content and these permission bits: nothing to do. */
export async function holds(path: string, sha256: string, mode: number): Promise<boolean> {
  const file = await read(path);
  if (file === "directory") throw rejected(`${basename(path)} is a directory`);
  return typeof file === "object" && file.sha256 === sha256 && file.mode === mode;
}

/**
 * What tells that a file has been touched, without reading it: its place, size, times and permission bits. Undefined where there is none.
 */
export async function fingerprint(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, mode } = await lstat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs, mode].join(" ");
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw thrown;
  }
}

/** Removes `path` if its content is one of `known`. False when it is there with another content and was left. */
export async function removeIfWritten(path: string, known: readonly string[]): Promise<boolean> {
  const file = await read(path);
  if (file === undefined) return true;
  if (typeof file === "string" || !known.includes(file.sha256)) return false;
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
  return true;
}

/** What is at `path`, without following a symbolic link and without waiting for a pipe. */
async function read(path: string): Promise<FileOnDisk | "directory" | "other" | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (stat.isDirectory()) return "directory";
      if (!stat.isFile()) return "other";
      const hash = createHash("sha256");
      for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk);
      return { sha256: hash.digest("hex"), mode: stat.mode & 0o7777 };
    } finally {
      await file.close();
    }
  } catch (thrown) {
    const code = errorCode(thrown);
    // ENOTDIR: a parent was replaced by a file, so ours is gone with it. ELOOP: a symbolic link. ENXIO: a socket.
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "ELOOP" || code === "ENXIO") return "other";
    throw thrown;
  }
}
