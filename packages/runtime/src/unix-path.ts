/**
 * Longest path of a Unix domain socket in bytes: `sun_path` has 108 on Linux and 104 elsewhere (unix(7), unix(4)), and one is for the closing zero.
 * Beyond it a system refuses the path, or cuts it off without a word.
 */
export const MAX_UNIX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** What is wrong with the path of a Unix domain socket, to put behind its name; undefined for a good one. */
export function unixPathProblem(path: string): string | undefined {
  // Linux takes a leading zero as a name outside the file system, which no file mode protects.
  if (path === "" || path.includes("\0")) return "must be the path of a file";
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_UNIX_PATH_BYTES) return undefined;
  return `is ${bytes} bytes long, and the path of a Unix socket may have ${MAX_UNIX_PATH_BYTES} (${MAX_UNIX_PATH_BYTES + 1} with its closing zero); choose a shorter directory`;
}
