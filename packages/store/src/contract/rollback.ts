/**
 * Rollback evidence: what two stores know of each other, seen from one of them. A store that was
 * put back to an earlier state is detected when its peer knows more of it than it does itself
 * (PROTOCOL.md, Rolled-back stores).
 */
export interface Standing {
  /** What this store knows of the peer's store. Unless rolled back, that knows it, too. */
  readonly peer: {
    /** Its name. */
    readonly store: string;
    /** The last session it is known to have begun; 0 for none. */
    readonly epoch: number;
    /** Its highest version that was recorded here, given to a handler, or settled; 0 for none. */
    readonly version: number;
    /** How many of our events it said it had recorded; 0 when it never said so. */
    readonly recorded: number;
  };
  /** What this store knows of itself towards that store. The peer knows nothing above it. */
  readonly own: {
    /** The last session that began; 0 when that is not known. */
    readonly epoch: number;
    /**
     * The highest version that may have been sent. Events accepted while nobody holds the mailbox
     * are not part of it.
     */
    readonly version: number;
    /** How many events of the peer were recorded. */
    readonly recorded: number;
  };
}
