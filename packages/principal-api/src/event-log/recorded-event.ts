import { HawserError, type EventDraft, type HawserEvent } from "@hawser/protocol";
import type { MailboxEntry } from "@hawser/store";

/** An event of an agent, as the log keeps it. */
export interface RecordedEvent {
  /** Its place in the log: 1 for the first, never given twice, gaps where events were let go. */
  readonly position: number;
  /** Who sent it: the name that its session was let in by, whatever the event says of itself. */
  readonly agent: string;
  /** When the log took it, Unix milliseconds, by the clock of the principal. */
  readonly recordedAt: number;
  /** As the agent sent it, with the version that the agent's mailbox gave it. */
  readonly event: HawserEvent;
  /** What it counts against the limits of the log. */
  readonly bytes: number;
}

/** Extension attributes that the log adds on the disk. What an agent sends by these names is refused, for nobody could tell who said it. */
export const LOG_ATTRIBUTES = {
  agent: "hawseragent",
  eventid: "hawsereventid",
  recordedAt: "hawserrecorded",
  position: "hawserposition",
} as const;

/** Of an event, the attribute that only the log may set; undefined when it has none. */
export function reservedAttribute(event: EventDraft): string | undefined {
  return Object.values(LOG_ATTRIBUTES).find((name) => event[name] !== undefined);
}

/** The event as it goes into a mailbox, which numbers it anew. @param recorded with its position where it has one already */
export function toDraft(
  recorded: Pick<RecordedEvent, "agent" | "event" | "recordedAt"> & Partial<Pick<RecordedEvent, "position">>,
): EventDraft {
  const { agent, event, recordedAt, position } = recorded;
  const { eventid, ...attributes } = event;
  return {
    ...attributes,
    [LOG_ATTRIBUTES.agent]: agent,
    [LOG_ATTRIBUTES.eventid]: eventid,
    [LOG_ATTRIBUTES.recordedAt]: new Date(recordedAt).toISOString(),
    ...(position === undefined ? {} : { [LOG_ATTRIBUTES.position]: String(position) }),
  };
}

/** What `toDraft` made, as it comes out of the mailbox. @throws HawserError `store_corrupt` for an entry that `toDraft` did not make */
export function fromEntry({ version, event: kept, bytes }: MailboxEntry): RecordedEvent {
  const {
    [LOG_ATTRIBUTES.agent]: agent,
    [LOG_ATTRIBUTES.eventid]: eventid,
    [LOG_ATTRIBUTES.recordedAt]: recordedAt,
    [LOG_ATTRIBUTES.position]: position,
    ...attributes
  } = kept;
  if (typeof agent !== "string" || typeof eventid !== "string" || typeof recordedAt !== "string") {
    const message = `the event ${version} of the log says not whose it is; move the log away and start with a new one`;
    throw new HawserError("store_corrupt", message);
  }
  return {
    position: position === undefined ? version : Number(position),
    agent,
    recordedAt: Date.parse(recordedAt),
    event: { ...attributes, eventid },
    bytes,
  };
}
