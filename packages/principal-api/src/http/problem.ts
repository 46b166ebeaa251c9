import * as binding from "@hawser/http-binding";
import type { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";

export type { Problem } from "@hawser/http-binding";

/** Says what went wrong, as this principal does. */
export function problemOf(error: HawserError, logger: Logger, requestId: string): binding.Problem {
  return binding.problemOf(error, { logger, requestId, speaker: "principal" });
}

/** Answers with what went wrong, as this principal does. */
export function problemResponse(thrown: unknown, logger: Logger, requestId: string): Response {
  return binding.problemResponse(thrown, { logger, requestId, speaker: "principal" });
}
