import { constants, existsSync } from "node:fs";
import { chmod, type FileHandle, mkdir, open, readlink, realpath } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { makeDirectories } from "@hawser/runtime";
import { errorCode, isMissing } from "../files/system-error.js";
import { rejected } from "./config-file-spec.js";

/** Of directories that are made: others may read the configuration in them, whatever the umask of the agent, which is for its state. */
const DIRECTORY_MODE = 0o755;
/** Descriptors as paths: what is done below such a path is done in that very directory, whatever happens to the names that led to it. */
const DESCRIPTORS = "/proc/self/fd";

/** The directory of a file below the root, held open. */
export interface HeldDirectory {
  /** Its real path when it was opened, for people and for the record. */
  readonly realPath: string;
  /** What to open, make and rename below: on Linux the held directory itself, elsewhere its real path. */
  readonly path: string;
}

/**
 * The directory below which files may be written.
 *
 * On Linux each directory on the way is opened from the one above it, and the one that was opened is asked where it is: whoever swaps directories for links during a write finds it
 * refused, or done in the directory that was looked at. Elsewhere there are only names, so whoever can change directories below the root while a write goes on could still lead
 * it astray; give the root to the agent alone.
 */
export class AllowedRoot {
  readonly #path: string;
  #real: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Holds the directory of the file with these segments below the root while `use` runs; missing directories are made.
   *
   * @throws HawserError `handler_rejected` when it lies outside, or a parent is not a directory
   */
  async inside<T>(segments: readonly string[], use: (directory: HeldDirectory) => Promise<T>): Promise<T> {
    const root = await this.#root();
    return this.#walk(root, segments.slice(0, -1), true, use);
  }

  /**
   * As `inside` for a file of an earlier write, by its real path; nothing is made. Undefined when its directory is gone.
   *
   * @throws HawserError `handler_rejected` when it lies outside: the root is another one now, or a link is in its place
   */
  async insideIfThere<T>(
    realPath: string,
    use: (directory: HeldDirectory) => Promise<T>,
  ): Promise<T | undefined> {
    const root = await this.#root();
    const segments = relative(root, realPath).split(sep);
    if (segments[0] === "..") throw rejected(`${realPath} is not below the allowed root`);
    try {
      return await this.#walk(root, segments.slice(0, -1), false, use);
    } catch (thrown) {
      // ENOTDIR: a parent was replaced by a file, so ours is gone with it.
      if (isMissing(thrown) || errorCode(thrown) === "ENOTDIR") return undefined;
      throw thrown;
    }
  }

  async #walk<T>(
    root: string,
    segments: readonly string[],
    make: boolean,
    use: (directory: HeldDirectory) => Promise<T>,
  ): Promise<T> {
    let held = await openDirectory(root);
    try {
      let place = await placeOf(held, root);
      for (const segment of segments) {
        const next = await openBelow(place, segment, make);
        await held.close();
        held = next;
        place = await placeOf(held, join(place.realPath, segment));
        if (!isWithin(root, place.realPath))
          throw rejected(`\`path\` ${JSON.stringify(segments.join("/"))} leads outside the allowed root`);
      }
      return await use(place);
    } finally {
      await held.close();
    }
  }

  async #root(): Promise<string> {
    if (this.#real !== undefined) return this.#real;
    await makeRoot(this.#path);
    this.#real = await realpath(this.#path);
    return this.#real;
  }
}

/** Makes what is missing of the path; directories that were there keep their mode. */
async function makeRoot(path: string): Promise<void> {
  const last = resolve(path);
  const made = await makeDirectories(last);
  if (made === undefined) return;
  // `mkdir` takes the umask off whatever mode it is given.
  await chmod(made, DIRECTORY_MODE);
  let at = made;
  for (const segment of relative(made, last).split(sep).filter(Boolean)) {
    at = join(at, segment);
    await chmod(at, DIRECTORY_MODE);
  }
}

/** Links are followed, and it is the directory that was reached which is looked at. */
async function openDirectory(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_DIRECTORY);
}

async function openBelow(
  { path, realPath }: HeldDirectory,
  segment: string,
  make: boolean,
): Promise<FileHandle> {
  const name = join(path, segment);
  try {
    return await openDirectory(name);
  } catch (thrown) {
    if (!make && (isMissing(thrown) || errorCode(thrown) === "ENOTDIR")) throw thrown;
    if (!isMissing(thrown)) throw unusable(join(realPath, segment), thrown);
  }
  try {
    await mkdir(name);
  } catch (thrown) {
    if (errorCode(thrown) !== "EEXIST") throw unusable(join(realPath, segment), thrown);
    return openExisting(name, join(realPath, segment));
  }
  const made = await openDirectory(name);
  await made.chmod(DIRECTORY_MODE);
  return made;
}

async function openExisting(name: string, shown: string): Promise<FileHandle> {
  try {
    return await openDirectory(name);
  } catch (thrown) {
    // It exists and leads nowhere: a dangling symbolic link.
    throw isMissing(thrown)
      ? rejected(`${shown} is a symbolic link that leads nowhere`)
      : unusable(shown, thrown);
  }
}

async function placeOf(held: FileHandle, path: string): Promise<HeldDirectory> {
  const descriptor = `${DESCRIPTORS}/${held.fd}`;
  if (process.platform === "linux" && existsSync(DESCRIPTORS))
    return { realPath: await readlink(descriptor), path: descriptor };
  const realPath = await realpath(path);
  return { realPath, path: realPath };
}

function unusable(path: string, thrown: unknown): unknown {
  const code = errorCode(thrown);
  if (code === "ENOTDIR") return rejected(`${path} is not a directory`);
  if (code === "ELOOP") return rejected(`${path} is a loop of symbolic links`);
  return thrown;
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}
