import { eventClass, type EventClass, type HawserEvent } from "@hawser/protocol";
import type { PendingState } from "./rows.js";

/** What is needed to take an entry out of its mailbox. */
export interface EntryIdentity extends PendingState {
  readonly resourceid: string;
  readonly eventClass: EventClass;
  readonly subject: string | undefined;
}

export function identify(version: number, bytes: number, event: HawserEvent): EntryIdentity {
  const { resourceid, subject } = event;
  return { version, bytes, resourceid, subject, eventClass: eventClass(event.type) };
}
