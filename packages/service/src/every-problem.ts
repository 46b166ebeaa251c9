import { HawserError } from "@hawser/protocol";

/**
 * Runs every check and throws all problems together, so that they can be fixed at once.
 * @param program begins a message of several problems
 * @throws HawserError `invalid_config`; any other error at once
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
