import { formatSettled, HawserError, parseSettled, type KnownStore } from "@hawser/protocol";
import type { Found, Standing } from "@hawser/store";

/** What the peer says of this side's store, and what the store itself knows. */
export interface RollbackQuestion {
  readonly side: "agent" | "principal";
  /** What this side's store knows. */
  readonly found: Found;
  /** Name of the peer's store. */
  readonly peerStore: string;
  /** What the peer says. */
  readonly claim: KnownStore | undefined;
}

/**
 * Whether the peer proves that the store of this side was rolled back (PROTOCOL.md, Rolled-back
 * stores). Whatever was told to the peer had been committed here before, so a number above the
 * present one was counted in a life of this store that it does not remember.
 *
 * @throws HawserError `store_rolled_back`: the error to refuse the session with
 */
export function assertNotRolledBack(question: RollbackQuestion): void {
  const { side, found, claim } = question;
  if (claim === undefined || claim.store !== found.store) return;
  const forgotten = forgottenBy(question, claim);
  if (forgotten === undefined) return;
  // A peer may be wrong, or lie: a person looks before anything is adopted.
  const message = `the ${side}'s store may have been rolled back: it ${forgotten}; if so, run hawser adopt`;
  throw new HawserError("store_rolled_back", message);
}

function forgottenBy(question: RollbackQuestion, claim: KnownStore): string | undefined {
  const { standing, forgotten } = question.found;
  const own = standing?.own ?? forgotten;
  const version = parseSettled(claim.eventid);
  if (version > own.version) return `gave out version ${version}, and knows of ${own.version}`;
  if (claim.recorded > own.recorded) return `recorded ${claim.recorded} events, and knows of ${own.recorded}`;
  const comparable = standing === undefined || epochsCompare(standing, question);
  if (comparable && claim.epoch > own.epoch) return `began session ${claim.epoch}, and knows of ${own.epoch}`;
  return undefined;
}

// A principal counts the sessions of an agent by name, an agent those of one store of its
// principal.
function epochsCompare(
  { own, peer }: Standing,
  { side, peerStore }: Pick<RollbackQuestion, "side" | "peerStore">,
): boolean {
  return own.epoch > 0 && (side === "principal" || peer.store === peerStore);
}

/** What a hello or a welcome says of the peer's store; undefined while nothing is known of it. */
export function knownStore(standing: Standing | undefined): KnownStore | undefined {
  if (standing === undefined) return undefined;
  const { store, epoch, version, recorded } = standing.peer;
  return { store, epoch, eventid: formatSettled(version), recorded };
}
