import { resolveEndpoint, type BoundAddress, type UnixAddress } from "@hawser/listener";
import type { Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Lifecycle, type Runtime } from "@hawser/runtime";
import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpServing } from "./http/http-serving.js";

/** Whose health is told, and where. */
export interface HealthServerOptions {
  readonly principal: Pick<Principal, "state" | "gate">;
  readonly listen: BoundAddress | (UnixAddress & { readonly mode?: number });
  /** Connections at once; one more takes the place of the one that has been silent for longest. @default 64 */
  readonly maxConnections?: number;
  readonly runtime?: Runtime;
}

/** Enough for a few that ask at once. */
const MAX_CONNECTIONS = 64;
/** A probe says what it wants at once. */
const REQUEST_TIMEOUT_MS = 2_000;
/** No answer here takes longer. */
const STOP_GRACE_MS = 1_000;

/**
 * `/livez` and `/readyz` alone, on a port or a Unix socket of their own, for whoever restarts the process or sends agents to it: what befalls the API's port does not reach them. They tell a state and nothing
 * else, so they want no token and any name will do.
 *
 * `start` throws a HawserError `port_in_use` or `address_unavailable`, or `invalid_state` where it has been started and not stopped.
 *
 * @throws HawserError `invalid_config`
 */
export function createHealthServer({
  principal,
  listen,
  maxConnections = MAX_CONNECTIONS,
  runtime = systemRuntime(),
}: HealthServerOptions): Lifecycle<BoundAddress | UnixAddress> {
  const endpoint = resolveEndpoint("health", listen);
  const settings = {
    headersTimeoutMs: REQUEST_TIMEOUT_MS,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    maxConnections,
    stopGraceMs: STOP_GRACE_MS,
  };
  let serving: HttpServing | undefined;
  return {
    async start() {
      if (serving !== undefined)
        throw new HawserError(
          "invalid_state",
          "this health server has been started already; stop it before you start it again",
        );
      const started = new HttpServing(
        (request, response) => tell(principal, request, response),
        settings,
        runtime,
      );
      serving = started;
      try {
        return await started.bind((server) => endpoint.bind(server));
      } catch (error) {
        if (serving === started) serving = undefined;
        throw error;
      }
    },
    async stop() {
      await serving?.close();
      serving = undefined;
    },
  };
}

function tell(
  { state, gate }: HealthServerOptions["principal"],
  { method, url }: IncomingMessage,
  response: ServerResponse,
): void {
  const reads = method === "GET" || method === "HEAD";
  if (reads && url === "/livez") return send(response, 200, { status: "alive" });
  if (reads && url === "/readyz") return send(response, state === "open" ? 200 : 503, { state, gate });
  send(response, 404, { detail: "GET /livez and GET /readyz are here, and nothing else" });
}

function send(response: ServerResponse, status: number, body: object): void {
  // One question a connection: a probe has no second one, and a place is free again.
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    connection: "close",
  });
  response.end(JSON.stringify(body));
}
