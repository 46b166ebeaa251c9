import { Counter, Gauge, type Registry } from "prom-client";

/** Counts what comes to the port of an API. */
export interface RequestMeter {
  /** A request was refused with this HTTP status before anything was looked at. */
  refused(status: number): void;
  /** Connections there are now. */
  open(count: number): void;
  /** One was closed for another, or not taken, because there were too many. */
  crowdedOut(): void;
}

const REFUSALS: readonly number[] = [401, 403, 421, 429];

/** Who is kept out of the API. All begin with 0, so that the first time counts. */
export function requestMeter(registry: Registry): RequestMeter {
  const refusals = new Counter({
    name: "hawser_api_refusals_total",
    help: "Requests to the API that were refused before anything was looked at, by HTTP status.",
    labelNames: ["status"],
    registers: [registry],
  });
  const connections = new Gauge({
    name: "hawser_api_connections",
    help: "Connections to the API's port.",
    registers: [registry],
  });
  const crowdedOut = new Counter({
    name: "hawser_api_connections_crowded_out_total",
    help: "Connections to the API's port that were closed, or not taken, because there were too many.",
    registers: [registry],
  });
  for (const status of REFUSALS) refusals.inc({ status }, 0);
  return {
    refused: (status) => refusals.inc({ status }),
    open: (count) => connections.set(count),
    crowdedOut: () => crowdedOut.inc(),
  };
}
