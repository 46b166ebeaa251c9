/**
 * `handover`: another principal takes over. Sessions are let go one after the other over the window, and come back at once, over there.
 * `restart`: this one comes back. Sessions are served to the end, let go together, and each is told its own slot in the window after the return.
 */
export type DrainShape = "handover" | "restart";

/** How sessions are let go. */
export interface DrainOptions {
  /** For people: in the notice to each agent and in logs. */
  readonly reason: string;
  /** @default "restart" */
  readonly shape?: DrainShape;
  /** What the sessions are spread over: their leaving in a handover, their return after a restart. */
  readonly windowMs: number;
  /** Serving goes on this long with readiness already failing, so that load balancers look elsewhere first. @default 0 */
  readonly leadMs?: number;
  /** How long each session waits for the answers it is owed, before it is let go. @default 2_000 */
  readonly answerWaitMs?: number;
  /** For a restart: how long this principal will be away. @default 1_000 */
  readonly returnAfterMs?: number;
  /** What sessions may take to go once they were told; then they are cut off. @default 5_000 */
  readonly graceMs?: number;
}

/** A drain that is under way. */
export interface DrainProgress {
  readonly shape: DrainShape;
  readonly reason: string;
  /** When it began. */
  readonly sessions: number;
  /** Not gone yet. */
  readonly remaining: number;
  /** Events of sessions that are gone which nobody answered for. */
  readonly unsettled: number;
}

/** What a drain left behind. */
export interface DrainReport {
  readonly shape: DrainShape;
  /** When it began. */
  readonly sessions: number;
  /** Of those: ended by force after the grace. */
  readonly cutOff: number;
  /** Of those: not let go, because the drain was taken back before their turn. */
  readonly kept: number;
  /** Agents whose session ended without everything answered, with how many events will be redelivered. */
  readonly unsettled: ReadonlyMap<string, number>;
  /** Their sum. */
  readonly unsettledTotal: number;
  readonly durationMs: number;
}
