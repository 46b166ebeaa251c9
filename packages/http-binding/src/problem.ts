import { HawserError } from "@hawser/protocol";
import { defined, type Logger } from "@hawser/runtime";
import { RETRY_AFTER_SECONDS, STATUS_BY_CODE } from "./error-status.js";
import { HttpError } from "./http-error.js";

/** The body of every answer that is not a success (RFC 9457). */
export interface Problem {
  /** `urn:hawser:error:<code>`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** A code of PROTOCOL.md, Errors. */
  readonly code: string;
  readonly detail: string;
  readonly agent?: string;
  readonly resource_id?: string;
  readonly event_id?: string;
  /** Request id, as in the log and in the header `x-request-id`. */
  readonly requestId: string;
}

/** The answering side and its request. */
export interface ProblemContext {
  /** Logs the details of internal faults. */
  readonly logger: Logger;
  readonly requestId: string;
  readonly speaker: "principal" | "agent";
}

/** The problem of an error. Internal faults go to the log; the client gets only their code. */
export function problemOf(error: HawserError, { logger, requestId, speaker }: ProblemContext): Problem {
  const status = error instanceof HttpError ? error.status : STATUS_BY_CODE[error.code];
  const hidden = status === 500;
  if (hidden) {
    logger.error({ err: error, code: error.code, request_id: requestId }, "a request to the API failed");
  }
  return {
    type: `urn:hawser:error:${error.code}`,
    title: error.code.replaceAll("_", " "),
    status,
    code: error.code,
    detail: hidden ? `the ${speaker} failed; its log says why` : error.message,
    ...defined({ agent: error.agent, resource_id: error.resource_id, event_id: error.event_id }),
    requestId,
  };
}

/** The response for an error (RFC 9457). */
export function problemResponse(thrown: unknown, context: ProblemContext): Response {
  const error = HawserError.from(thrown);
  const problem = problemOf(error, context);
  const retryAfter = RETRY_AFTER_SECONDS[error.code];
  return Response.json(problem, {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      ...(error instanceof HttpError ? error.headers : {}),
    },
  });
}
