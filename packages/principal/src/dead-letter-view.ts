import type { DeadLetter } from "@hawser/store";
import type { DeadLetterView } from "./views.js";

export function deadLetterView(agent: string, { event, reason }: DeadLetter): DeadLetterView {
  return {
    agent,
    resourceid: event.resourceid,
    eventid: event.eventid,
    type: event.type,
    subject: event.subject,
    code: reason.code,
    message: reason.message,
    at: reason.at,
  };
}
