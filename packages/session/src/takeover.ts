/** What to do with a session that claims an agent: there is no holder, it displaces the holder, or it came too late. */
export type Takeover = "claim" | "takeOver" | "superseded";

/**
 * Which of two sessions of one agent is the real one: the higher epoch wins (PROTOCOL.md, Takeover). Epochs are unique, so an equal one is the same
 * claim seen twice, which displaces nobody.
 *
 * @param holder epoch of the session that is known, undefined when there is none
 * @param claimant epoch of the session that has just been accepted
 */
export function decideTakeover(holder: number | undefined, claimant: number): Takeover {
  if (holder === undefined) return "claim";
  return claimant > holder ? "takeOver" : "superseded";
}
