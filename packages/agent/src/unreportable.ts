import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";

/** What the principal is told in the place of a status that cannot be sent. A type, as an interface is no `JsonValue`. */
export type Unreportable = {
  readonly state: "unreportable";
  readonly code: string;
  readonly message: string;
};

/** The spec is applied, whatever its handler says of it: a wrong status is logged, and told as one, and holds back no ACK. */
export function unreportable(thrown: unknown, logger: Logger): Unreportable {
  const { code, message } = HawserError.from(thrown);
  logger.error({ code }, `a status cannot be sent: ${message}`);
  return { state: "unreportable", code, message };
}
