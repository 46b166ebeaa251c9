/**
 * The evidence of a rollback: what two stores know of each other, seen from one of them. A store that was put back to an earlier state is found out when its peer knows more of
 * it than it does itself (PROTOCOL.md, Rolled-back stores).
 */
export interface Standing {
  /** What is known here of the peer's store: what that must know of itself, unless it was rolled back. */
  readonly peer: {
    /** Its name. */
    readonly store: string;
    /** The last session it is known to have begun; 0 for none. */
    readonly epoch: number;
    /** Its highest version that was recorded here, or given to a handler, or that it said is settled: it has given that out, too. 0 for none. */
    readonly version: number;
    /** How many of our events it said it had recorded; 0 when it never said so. */
    readonly recorded: number;
  };
  /** What this store knows of itself towards that store of the peer: nothing the peer was ever told is above it. */
  readonly own: {
    /** The last session that began; 0 when that is not known. */
    readonly epoch: number;
    /** The highest version the peer can have been told. What was accepted since nobody held the mailbox is not part of it. */
    readonly version: number;
    /** How many events of the peer were recorded. */
    readonly recorded: number;
  };
}
