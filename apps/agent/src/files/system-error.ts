/** The code of an error of the operating system, such as `ENOENT`. */
export function errorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/** True for the error of a file that is not there. */
export function isMissing(thrown: unknown): boolean {
  return errorCode(thrown) === "ENOENT";
}
