/**
 * Longest path of a Unix socket in bytes: `sun_path` has 108 on Linux and 104 elsewhere (unix(7),
 * unix(4)), one for the final zero. Systems refuse or silently cut longer paths.
 */
export const MAX_UNIX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** The problem with the path of a Unix socket, to follow its name; undefined for none. */
export function unixPathProblem(path: string): string | undefined {
  // On Linux a leading zero names a socket outside the file system, without file modes.
  if (path === "" || path.includes("\0")) return "must be the path of a file";
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_UNIX_PATH_BYTES) return undefined;
  return `is ${bytes} bytes long, and the path of a Unix socket may have ${MAX_UNIX_PATH_BYTES} (${MAX_UNIX_PATH_BYTES + 1} with its closing zero); choose a shorter directory`;
}
