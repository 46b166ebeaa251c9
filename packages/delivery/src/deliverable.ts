import type { HawserEvent } from "@hawser/protocol";

/** An event and the number in its `eventid`. An entry of a mailbox is one. */
export interface Deliverable {
  readonly version: number;
  readonly event: HawserEvent;
}
