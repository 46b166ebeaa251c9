/** Which of them: the steps of events, the agents, the events that agents sent, or what a resource writes. */
export type StreamName = "events" | "agents" | "agent_events" | "output";

/**
 * Why a reader did not hear of everything. `lagged`: it read too slowly. `unknown_id`: it came back with an id that is not known any more, or never was. `failed`: what it reads could
 * not be read, and the stream ended.
 */
export type StreamGap = "lagged" | "unknown_id" | "failed";

/** Who reads the streams of an API. Calls must be cheap and must not throw: what they throw is only logged. */
export interface StreamObserver {
  /** How many are open now. */
  open(stream: StreamName, count: number): void;
  /** One was asked for and not given. */
  refused(stream: StreamName, code: string): void;
  gap(stream: StreamName, reason: StreamGap): void;
}
