import { HawserError } from "./errors.js";
import { quote } from "./text.js";

/** Every option name, as a key: a table of defaults is one. */
export type OptionNames<Options> = Readonly<Record<keyof Options, unknown>>;

/**
 * Checks option names. JavaScript callers have no compiler, and a misspelt option would keep its
 * default.
 * @param where begins the message, such as `createAgent: resend`
 * @throws HawserError `invalid_config` naming the unknown option and the known ones
 */
export function checkOptionNames<Options extends object>(
  where: string,
  given: Partial<Options> | undefined,
  known: OptionNames<Options>,
): void {
  const unknown = Object.keys(given ?? {}).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  const names = Object.keys(known).join(", ");
  throw new HawserError(
    "invalid_config",
    `${where}: there is no option ${quote(unknown)}; there are ${names}`,
  );
}
