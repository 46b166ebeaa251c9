import { mkdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { errorCode, isMissing } from "../files/system-error.js";
import { rejected } from "./config-file-spec.js";

/**
 * The directory below which files may be written.
 *
 * Every parent is resolved to its real path before anything is made in it, so a symbolic link cannot lead outside. Whoever can change directories below the
 * root while a write goes on could still win a race; give the root to the agent alone.
 */
export class AllowedRoot {
  readonly #path: string;
  #real: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The real path of `segments` below the root; missing parents are made.
   *
   * @throws HawserError `handler_rejected` when it lies outside, or a parent is not a directory
   */
  async resolve(segments: readonly string[]): Promise<string> {
    const root = await this.#root();
    let directory = root;
    for (const segment of segments.slice(0, -1)) {
      const next = join(directory, segment);
      directory = await realDirectory(next);
      if (!isWithin(root, directory)) {
        throw rejected(`\`path\` ${JSON.stringify(segments.join("/"))} leads outside the allowed root`);
      }
    }
    return join(directory, segments.at(-1) ?? "");
  }

  async #root(): Promise<string> {
    if (this.#real !== undefined) return this.#real;
    await mkdir(this.#path, { recursive: true });
    this.#real = await realpath(this.#path);
    return this.#real;
  }
}

/** The real path of a directory that is there or is made. */
async function realDirectory(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isDirectory()) throw rejected(`${path} is not a directory`);
    return real;
  } catch (thrown) {
    if (!isMissing(thrown)) throw unusable(path, thrown);
  }
  try {
    await mkdir(path, { mode: 0o755 });
  } catch (thrown) {
    if (errorCode(thrown) !== "EEXIST") throw unusable(path, thrown);
  }
  try {
    return await realpath(path);
  } catch (thrown) {
    // It exists and leads nowhere: a dangling symbolic link.
    throw isMissing(thrown) ? rejected(`${path} is a symbolic link that leads nowhere`) : thrown;
  }
}

function unusable(path: string, thrown: unknown): unknown {
  const code = errorCode(thrown);
  if (code === "ENOTDIR") return rejected(`${path} has a parent that is not a directory`);
  if (code === "ELOOP") return rejected(`${path} is a loop of symbolic links`);
  return thrown;
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}
