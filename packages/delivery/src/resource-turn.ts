import type { Refused } from "./lane.js";

/** What the event of a resource waits for whose turn it is. Times are monotonic milliseconds. */
export type ResourceTurn =
  /** Not sent in this session. `hasRoom`: the window takes it, so it goes next. */
  | { readonly kind: "ready"; readonly version: number; readonly hasRoom: boolean }
  /** Sent and not answered: its receiver may be applying it, or may not have it. */
  | {
      readonly kind: "unanswered";
      readonly version: number;
      /** Sends of this session. */
      readonly attempts: number;
      readonly firstSentAtMs: number;
      /** When it is sent again. */
      readonly nextTryAtMs: number;
      /** Why its receiver did not apply it the time before; undefined when it never refused it. */
      readonly refused: Refused | undefined;
    }
  /** Its receiver did not apply it, and it goes again at a time. */
  | {
      readonly kind: "refused";
      readonly version: number;
      readonly nextTryAtMs: number;
      readonly refused: Refused;
    }
  /** It is being written to the dead letters. */
  | { readonly kind: "givenUp"; readonly version: number };
