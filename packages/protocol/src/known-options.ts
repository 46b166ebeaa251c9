import { HawserError } from "./errors.js";
import { quote } from "./text.js";

/** The name of every option there is, as its key. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Holds the names of options against those there are: what is misspelt would be left at its default in silence, where no compiler has looked.
 *
 * @param where what is in front of the names in the message, such as `createAgent: resend`
 * @throws HawserError `invalid_config` naming the one that is unknown, and those there are
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
