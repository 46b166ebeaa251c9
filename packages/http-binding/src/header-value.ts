import { HawserError } from "@hawser/protocol";

const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;
const PRINTABLE = /^[\u0020-\u007e]*$/;

/**
 * An attribute's value from a header: quotes and their backslashes are removed, then
 * percent-encoding (CloudEvents HTTP protocol binding 1.0.2, section 3.1.3.2).
 * @throws HawserError `invalid_event` for characters that need encoding, and for invalid UTF-8
 */
export function decodeHeaderValue(header: string, raw: string): string {
  if (!PRINTABLE.test(raw)) {
    throw new HawserError(
      "invalid_event",
      `header ${header} has characters that must be percent-encoded as UTF-8`,
    );
  }
  const quoted = QUOTED.exec(raw.trim());
  const value = quoted?.[1] === undefined ? raw.trim() : quoted[1].replaceAll(/\\(.)/g, "$1");
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new HawserError(
      "invalid_event",
      `header ${header} is not percent-encoded UTF-8; a percent sign itself is %25`,
      { cause },
    );
  }
}
