import type { HawserEvent } from "@hawser/protocol";

/** An event and the number in its `eventid`. An entry of a mailbox is one. */
export interface Deliverable {
  readonly version: number;
  readonly event: HawserEvent;
  /** What it counts against a window of bytes: its UTF-8 bytes as JSON, as the store counts them (PROTOCOL.md, Sending). */
  readonly bytes: number;
  /** The event as the JSON codec writes it, where that is at hand. */
  readonly json?: string | undefined;
  /** It has just passed the edge of its publisher, so nothing of it has to be looked at before it is sent. */
  readonly checked?: boolean;
}

/** What has to be known of an event that stays where it is stored. An entry of a mailbox is one. */
export interface SpilledEvent {
  readonly version: number;
  readonly event: Pick<HawserEvent, "resourceid" | "type">;
}
