import { HawserError } from "@hawser/protocol";

/**
 * Runs every check, and throws what all of them have to say, so that nobody mends one thing after the other.
 *
 * @param program begins the message where there are several
 * @throws HawserError `invalid_config`; what is no `invalid_config` at once, as it is
 */
export function everyProblem(program: string, checks: readonly (() => unknown)[]): void {
  const found = checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (thrown) {
      const error = HawserError.from(thrown);
      if (error.code !== "invalid_config") throw error;
      return [error];
    }
  });
  const [first, ...more] = found;
  if (first === undefined) return;
  if (more.length === 0) throw first;
  const lines = found.flatMap(({ message }) => message.split("\n")).map((line) => `  ${line}`);
  throw new HawserError("invalid_config", [`${program} cannot start:`, ...lines].join("\n"), {
    cause: first,
  });
}
