import type { HawserEvent } from "@hawser/protocol";

/** An event and the number in its `eventid`. An entry of a mailbox is one. */
export interface Deliverable {
  readonly version: number;
  readonly event: HawserEvent;
  /** UTF-8 bytes of the event as JSON, which count against the window (PROTOCOL.md, Sending). */
  readonly bytes: number;
  /** The event as the JSON codec writes it, where that is at hand. */
  readonly json?: string | undefined;
  /** The publisher's edge has just checked it, so the sender does not check it again. */
  readonly checked?: boolean;
}

/** What has to be known of an event that stays where it is stored. An entry of a mailbox is one. */
export interface SpilledEvent {
  readonly version: number;
  readonly event: Pick<HawserEvent, "resourceid" | "type">;
}
