import { isAgentName } from "@hawser/protocol";
import { type Clock, type Logger, tellObserver } from "@hawser/runtime";
import type { MiddlewareHandler } from "hono";
import { callerOf, refusedNames } from "./callers.js";
import { requestIdOf } from "../http/request.js";
import { servedBy } from "../http/served-by.js";

/** Refusals that are logged at once, and how many more a second; what is left out is counted, and told with the next one. */
const REFUSAL_BURST = 20;
const REFUSALS_PER_SECOND = 1;
/** Of a path: agent, kind and name at their longest are below it. */
const MAX_PATH_LENGTH = 512;

/** Hears of requests that were refused before anything was looked at. */
export interface RefusalObserver {
  refused(status: number): void;
}

const REFUSED: readonly number[] = [401, 403, 421, 429];

/**
 * Writes down who changed what, from where, and what came of it: one line for each request that may change something. Those that were refused (401, 403, 421, 429) are lines as well, whatever they
 * asked for, as many as fit the rate. Never a token, a query or a body.
 */
export function auditLog(
  logger: Logger,
  clock: Clock,
  observer: Partial<RefusalObserver>,
): MiddlewareHandler {
  let allowance = REFUSAL_BURST;
  let allowedAtMs = clock.now();
  let leftOut = 0;

  function mayLogRefusal(): boolean {
    const nowMs = clock.now();
    allowance = Math.min(REFUSAL_BURST, allowance + ((nowMs - allowedAtMs) * REFUSALS_PER_SECOND) / 1_000);
    allowedAtMs = nowMs;
    if (allowance < 1) return false;
    allowance -= 1;
    return true;
  }

  return async (context, next) => {
    await next();
    const { method, path } = context.req;
    const { status } = context.res;
    const refused = REFUSED.includes(status) && callerOf(context) === undefined;
    if (refused) tellObserver(() => observer.refused?.(status), logger);
    if (!refused && (method === "GET" || method === "HEAD" || method === "OPTIONS")) return;
    if (refused && !mayLogRefusal()) {
      leftOut += 1;
      return;
    }
    const agent = /^\/v1\/agents\/([^/]+)/.exec(path)?.[1];
    const fields = {
      caller: callerOf(context)?.name ?? refusedNames.get(context),
      address: servedBy(context)?.address,
      method,
      path: path.slice(0, MAX_PATH_LENGTH),
      ...(agent !== undefined && isAgentName(agent) ? { agent } : {}),
      status,
      request_id: requestIdOf(context),
    };
    if (!refused) return logger.info(fields, "a request to the API that may change something");
    logger.warn(
      { ...fields, ...(leftOut === 0 ? {} : { left_out: leftOut }) },
      "a request to the API was refused",
    );
    leftOut = 0;
  };
}
