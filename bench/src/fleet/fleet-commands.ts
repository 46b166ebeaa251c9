import type { TransportName } from "../child-commands.js";
import type { RotationKind } from "../rotation-kind.js";

export interface FleetStart {
  /** Agents are named by their number, from this one on. */
  readonly first: number;
  readonly agents: number;
  /** In turn over the agents. */
  readonly transports: readonly TransportName[];
  /** Where they connect, on loopback. */
  readonly port: number;
  /** The server shows the certificate of benches. @default false */
  readonly tls?: boolean;
  /** Longest backoff after failures. @default the agents' own */
  readonly reconnectMaxMs?: number;
  /** Renews connections over and over. @default as agents do when nobody says how */
  readonly rotation?: RotationKind;
}

/** What the events of a test say in their data. */
export interface FleetEvent {
  /** Unique over the test. */
  readonly n: number;
  /** Unix milliseconds at which it was accepted, or about to be. */
  readonly at: number;
  /** How long its handler takes. */
  readonly slowMs?: number;
}

export interface FleetReport {
  /** Open sessions now. */
  readonly connected: number;
  /** Unix milliseconds at which each session opened, in order. */
  readonly opened: readonly number[];
  /** Numbers of the events that were applied, in no order. */
  readonly applied: readonly number[];
  /** Events applied again although they had been applied and recorded. */
  readonly appliedTwice: number;
  /** Events that came in over the wire on a later connection than before. */
  readonly redelivered: number;
  /** The longest an event took from being accepted, or from the moment its agent was connected if that was later, to being applied. */
  readonly maxDelayMs: number;
  /** p99 of the same. */
  readonly p99DelayMs: number;
}

/** What a test asks of a process full of agents. */
export interface FleetCommands {
  /** Resolves when all have begun to connect. */
  start(options: FleetStart): Promise<void>;
  /** Where they connect from now on: what a load balancer does when a target drains. */
  aim(target: { readonly port: number }): Promise<void>;
  /** Open sessions now: what is asked often. */
  connected(): Promise<number>;
  report(): Promise<FleetReport>;
  /** Milliseconds each event took from being accepted to being applied, whether its agent was connected or not, in no order; without those that were slow on purpose. */
  latencies(): Promise<readonly number[]>;
  /** Begins the counts anew; what was applied stays known. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}
