/** Faults of a link between two peers, as a chaos proxy or a simulated network injects them. */
export interface LinkFaults {
  /** Resets every connection: both sides learn it at once, neither sees a close handshake. */
  cut(): void;
  /**
   * Stops all bytes in both directions without notice: the peers are half open, and new dials hang.
   */
  blackhole(): void;
  /** Lets bytes pass again, held ones first. */
  restore(): void;
}
