import type { ResourceTurn } from "@hawser/delivery";
import type { DeleteAhead } from "./held-back-resources.js";

/** What the next event of a resource waits for; `unread`: it lies in the mailbox, and what is before it has to go first. */
export type SenderTurn = ResourceTurn | { readonly kind: "unread" } | HeldBackTurn;

/** The delete of another resource of the same kind and name has to be answered first. */
export interface HeldBackTurn extends DeleteAhead {
  readonly kind: "heldBack";
  /** What that delete waits for. */
  readonly turn: SenderTurn | undefined;
}
