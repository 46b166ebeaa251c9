import {
  eventClass,
  parseSpecData,
  parseStatusData,
  type EventClass,
  type EventDraft,
  type HawserEvent,
} from "@hawser/protocol";

/** What identifies an event wherever it is seen. */
export interface Identity {
  readonly version: number;
  readonly resourceid: string;
  readonly subject: string | undefined;
  readonly eventClass: EventClass;
  /** What it says, so that two events cannot be taken for each other. */
  readonly content: string;
  /** Unix milliseconds; Infinity when it never expires. */
  readonly expiresAtMs: number;
}

/** What an event on the wire is known by. */
export function identityOf(event: HawserEvent): Identity {
  const { resourceid, subject } = event;
  const itsClass = eventClass(event.type);
  return {
    version: Number(event.eventid),
    resourceid,
    subject,
    eventClass: itsClass,
    content: contentOf(event),
    expiresAtMs: event.expirytime === undefined ? Number.POSITIVE_INFINITY : Date.parse(event.expirytime),
  };
}

function contentOf(event: HawserEvent): string {
  switch (eventClass(event.type)) {
    case "spec":
      return `spec ${JSON.stringify(parseSpecData(event).spec)}`;
    case "status":
      return `status ${JSON.stringify(parseStatusData(event).status)}`;
    case "delete":
      return "delete";
    case "command":
      return commandContent(event);
  }
}

export function commandContent(event: EventDraft): string {
  return `command ${event.id}`;
}

export function specContent(spec: unknown): string {
  return `spec ${JSON.stringify(spec)}`;
}
