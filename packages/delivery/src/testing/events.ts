import { EVENT_TYPES, type HawserEvent } from "@hawser/protocol";
import type { Deliverable } from "../deliverable.js";

/** A type of a publisher's own: a command. */
const COMMAND_TYPE = "com.example.command.v1";

/** What a test says about an event; the rest is the same for all. */
export interface EventSketch {
  readonly resource?: string;
  readonly type?: "spec" | "status" | "delete" | "command";
  readonly expirytime?: string;
  /** @default 100 */
  readonly bytes?: number;
}

/** An event at a position of a mailbox. By default a command, about the resource `web`. */
export function deliverable(version: number, sketch: EventSketch = {}): Deliverable {
  const { resource = "web", type = "command", expirytime, bytes = 100 } = sketch;
  const event: HawserEvent = {
    specversion: "1.0",
    id: `id-${version}`,
    source: "test",
    type: type === "command" ? COMMAND_TYPE : EVENT_TYPES[type],
    resourceid: `${resource}_1`,
    eventid: String(version),
    ...(expirytime === undefined ? {} : { expirytime }),
  };
  return { version, event, bytes };
}
