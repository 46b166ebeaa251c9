import { HawserError } from "@hawser/protocol";

/** The error with a service's flags for the library's option names in its message. */
export function inFlags(thrown: unknown, flags: Readonly<Record<string, string>> = {}): HawserError {
  const error = HawserError.from(thrown);
  // Longest first: a name may end with another one.
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
