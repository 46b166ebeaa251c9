import type { PrincipalObserver } from "@hawser/principal";
import type { RefusalObserver } from "./access/audit-log.js";
import type { ConnectionObserver } from "./http/connections.js";
import type { StreamObserver } from "./streams/stream-observer.js";

/** Hears of what comes to the API's port. */
export type RequestObserver = RefusalObserver & ConnectionObserver;

/** What an API serves at `/metrics`, and who counts what happens to it: what `createPrincipalMetrics` of `@hawser/metrics` makes, or anything alike. */
export interface ApiMetrics {
  /** The media type of the text. */
  readonly contentType: string;
  /** All metrics as they are now, as the monitoring system reads them. */
  text(): Promise<string>;
  /** Told of events that are refused before they come to the principal. */
  readonly observer?: Pick<PrincipalObserver, "rejected">;
  /** Told of who reads the streams. */
  readonly streams?: StreamObserver;
  /** Told of connections, and of requests that are refused. */
  readonly requests?: RequestObserver;
}
