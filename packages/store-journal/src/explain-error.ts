import { HawserError } from "@hawser/protocol";
import type { DiskFailure } from "@hawser/store";

const FULL = /no space left on device|disk quota exceeded|ENOSPC|EDQUOT/i;
/** The directory exists, so a missing file belongs to something else in it. */
const DAMAGED = /corruption: |io error: .*no such file or directory/i;
/** LevelDB could not lock, for a reason other than another process. */
const NO_LOCKS = /no locks available|not supported|not implemented|ENOLCK|ENOTSUP|ENOSYS/i;
const MAX_CAUSES = 5;

/** What an error of LevelDB or of the file system means, and what to do about it. */
export function explainError(thrown: unknown, directory: string): DiskFailure {
  const errors = causesOf(thrown);
  const detail = errors.map((error) => error.message).join(": ") || String(thrown);
  const codes = new Set(errors.map(codeOf));
  if (errors.some((error) => FULL.test(error.message)) || codes.has("ENOSPC") || codes.has("EDQUOT")) {
    return {
      code: "store_full",
      message: `no space left for the store in ${directory}; free some, it goes on by itself (${detail})`,
    };
  }
  if (errors.some((error) => NO_LOCKS.test(error.message))) {
    return {
      code: "store_unavailable",
      message: `the file system of ${directory} gives no locks (${detail}), so nothing would keep a second process out; it is a network file system without its lock service, as a rule: choose a directory on a local disk`,
    };
  }
  if (codes.has("LEVEL_LOCKED")) {
    return {
      code: "store_unavailable",
      message: `another process uses the store in ${directory}; stop it or choose another directory`,
    };
  }
  if (
    codes.has("LEVEL_CORRUPTION") ||
    codes.has("ENOENT") ||
    errors.some((error) => DAMAGED.test(error.message))
  ) {
    return {
      code: "store_corrupt",
      message: `the store in ${directory} is damaged (${detail}); move the directory away and start with an empty one, then apply the manifests again (or put a backup there and run hawser adopt on it)`,
    };
  }
  return {
    code: "store_unavailable",
    message: `the store in ${directory} cannot be used (${detail}); check that it is a directory this user may write to`,
  };
}

export function namedError(thrown: unknown, directory: string): HawserError {
  if (thrown instanceof HawserError) return thrown;
  const { code, message } = explainError(thrown, directory);
  return new HawserError(code, message, { cause: thrown });
}

/** The error and what caused it, outermost first. */
function causesOf(thrown: unknown): readonly Error[] {
  const errors: Error[] = [];
  for (let at = thrown; at instanceof Error && errors.length < MAX_CAUSES; at = at.cause) errors.push(at);
  return errors;
}

function codeOf(error: Error): unknown {
  return "code" in error ? error.code : undefined;
}
