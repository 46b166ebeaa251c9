import type { EventLoopLag } from "../storm/storm-commands.js";

export interface ApiServerStart {
  readonly directory: string;
  /** Agents with something in their mailbox that never connect. */
  readonly known: number;
}

/** Which metrics an API serves: of up to 1,000 agents by themselves (the default), of all, or of none. */
export const METRIC_KINDS = ["default", "all", "none"] as const;
export type MetricKind = (typeof METRIC_KINDS)[number];

/** One port of the API for each. */
export type ApiPorts = Readonly<Record<MetricKind, number>>;

/** What the bench asks of the process with the principal and its API. */
export interface ApiServerCommands {
  start(options: ApiServerStart): Promise<{ readonly agentsPort: number; readonly apiPorts: ApiPorts }>;
  /** Since it was asked last. */
  lag(): Promise<EventLoopLag>;
  stop(): Promise<void>;
}
