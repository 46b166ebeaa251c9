import type { ResourceTurn } from "@hawser/delivery";
import type { DeleteAhead } from "./held-back-resources.js";

/** The cause of a resource's wait; `unread`: its event is on disk, behind earlier ones. */
export type SenderTurn = ResourceTurn | { readonly kind: "unread" } | HeldBackTurn;

/** The delete of another resource of the same kind and name has to be answered first. */
export interface HeldBackTurn extends DeleteAhead {
  readonly kind: "heldBack";
  /** What that delete waits for. */
  readonly turn: SenderTurn | undefined;
}
