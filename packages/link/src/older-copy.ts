import { formatSettled, HawserError, parseSettled, type KnownStore } from "@hawser/protocol";
import type { Standing } from "@hawser/store";

/** What a side is told of its own store, and what it knows of that itself. */
export interface OlderCopyQuestion {
  readonly side: "agent" | "principal";
  /** Name of this side's store. */
  readonly store: string;
  readonly standing: Standing | undefined;
  /** What peers may know that this side keeps nothing of any more. @default nothing */
  readonly forgotten?: Standing["own"];
  /** Name of the peer's store. */
  readonly peerStore: string;
  /** What the peer says. */
  readonly claim: KnownStore | undefined;
}

const NOTHING: Standing["own"] = { epoch: 0, version: 0, recorded: 0 };

/**
 * Whether the peer proves that the store of this side is an older copy of itself (PROTOCOL.md, Older copies). Whatever was told to the peer had been committed
 * here before, so a number above the present one was counted in a life of this store that it does not remember.
 *
 * @returns the error to refuse the session with
 */
export function olderCopy(question: OlderCopyQuestion): HawserError | undefined {
  const { side, store, claim } = question;
  if (claim === undefined || claim.store !== store) return undefined;
  const forgotten = forgottenBy(question, claim);
  if (forgotten === undefined) return undefined;
  // A peer may be wrong, or lie: a person looks before anything is adopted.
  const message = `the ${side}'s store may be an older copy: it ${forgotten}; if so, run hawser adopt`;
  return new HawserError("store_rolled_back", message);
}

function forgottenBy(
  { standing, forgotten = NOTHING, ...question }: OlderCopyQuestion,
  claim: KnownStore,
): string | undefined {
  const own = standing?.own ?? forgotten;
  const version = parseSettled(claim.eventid);
  if (version > own.version) return `gave out version ${version}, and knows of ${own.version}`;
  if (claim.recorded > own.recorded) return `recorded ${claim.recorded} events, and knows of ${own.recorded}`;
  const comparable = standing === undefined || epochsCompare(standing, question);
  if (comparable && claim.epoch > own.epoch) return `began session ${claim.epoch}, and knows of ${own.epoch}`;
  return undefined;
}

// A principal counts the sessions of an agent by name, whatever store that has. An agent remembers those of one store of its principal only.
function epochsCompare(
  { own, peer }: Standing,
  { side, peerStore }: Pick<OlderCopyQuestion, "side" | "peerStore">,
): boolean {
  return own.epoch > 0 && (side === "principal" || peer.store === peerStore);
}

/** What a hello or a welcome says of the peer's store; undefined while nothing is known of it. */
export function knownStore(standing: Standing | undefined): KnownStore | undefined {
  if (standing === undefined) return undefined;
  const { store, epoch, version, recorded } = standing.peer;
  return { store, epoch, eventid: formatSettled(version), recorded };
}
