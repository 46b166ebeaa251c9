/** What a purge did. */
export interface PurgeReport {
  /** Events that were thrown away. */
  readonly purged: number;
  /** Of those: sent in the present session and not answered. The agent may have applied them, or may yet; nothing sends them again. */
  readonly inFlight: number;
  /** Events that are pending for the agent now, those accepted meanwhile included. */
  readonly left: number;
}
