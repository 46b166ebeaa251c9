/** What can happen to the bytes between two peers, as a chaos proxy or a simulated network offers it. */
export interface LinkFaults {
  /** Every connection is reset: both sides learn at once that it is gone, neither sees a close handshake. */
  cut(): void;
  /** Nothing passes any more, in either direction, and nobody is told: the peers are half open. New connections vanish alike. */
  blackhole(): void;
  /** Bytes pass again, those held back first. */
  restore(): void;
}
