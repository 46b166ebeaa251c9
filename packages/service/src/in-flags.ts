import { HawserError } from "@hawser/protocol";

/** The same error, with the flags of a service where its message names options of the library. */
export function inFlags(thrown: unknown, flags: Readonly<Record<string, string>> = {}): HawserError {
  const error = HawserError.from(thrown);
  // The longer names first: one may be the end of another.
  const names = Object.keys(flags).sort((one, other) => other.length - one.length);
  const message = names.reduce(
    (text, name) =>
      text.replaceAll(
        new RegExp(`(?<![\\w.-])${name.replaceAll(".", "\\.")}(?![\\w-])`, "g"),
        flags[name] ?? name,
      ),
    error.message,
  );
  return message === error.message ? error : new HawserError(error.code, message, { cause: error });
}
