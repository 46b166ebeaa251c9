import { HawserError } from "@hawser/protocol";
import type { Deliverable } from "./deliverable.js";

/**
 * @throws HawserError `invalid_eventid`, `missing_resourceid` or `invalid_event`: a mistake of
 *   whoever offers
 */
export function checkDeliverable(entry: Deliverable): void {
  const { version, event, bytes } = entry;
  // Asked for each event that is sent, so the words are found elsewhere.
  const isVersion = String(version) === event.eventid && Number.isSafeInteger(version) && version > 0;
  if (!isVersion || !(bytes >= 0) || !event.resourceid) throw whatIsWrong(entry);
}

function whatIsWrong({ version, event, bytes }: Deliverable): HawserError {
  const { id, type, resourceid, eventid } = event;
  const name = `the event ${JSON.stringify(id)} of type ${JSON.stringify(type)}`;
  const about = { resource_id: resourceid, event_id: eventid };
  if (!(Number.isSafeInteger(version) && version > 0)) {
    const message = `${name} was offered with version ${version}; versions are whole numbers from 1`;
    return new HawserError("invalid_eventid", message, about);
  }
  if (String(version) !== eventid) {
    const has = eventid === undefined ? "has no eventid" : `has the eventid ${JSON.stringify(eventid)}`;
    const message = `${name} ${has} and was offered as version ${version}; it must be "${version}": offer { version, event: { ...event, eventid: formatVersion(version) }, bytes }`;
    return new HawserError("invalid_eventid", message, about);
  }
  if (!resourceid) {
    const message = `${name} has no resourceid; it must be "<name>_<uid>" of what the event is about, because order is kept for each resource`;
    return new HawserError("missing_resourceid", message, about);
  }
  const message = `${name} was offered with bytes ${bytes}; it must be the UTF-8 bytes of the event as JSON`;
  return new HawserError("invalid_event", message, about);
}
