import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";

/** Sent in place of a status that cannot be. A type, as an interface is no `JsonValue`. */
export type Unreportable = {
  readonly state: "unreportable";
  readonly code: string;
  readonly message: string;
};

/** A wrong status holds back no ACK: it is logged, and an error status takes its place. */
export function unreportable(thrown: unknown, logger: Logger): Unreportable {
  const { code, message } = HawserError.from(thrown);
  logger.error({ code }, `a status cannot be sent: ${message}`);
  return { state: "unreportable", code, message };
}
