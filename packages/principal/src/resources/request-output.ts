import { checkDraft, eventClass, formatVersion, outputRequestEvent, subjectOf } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import { appendOne, type Store } from "@hawser/store";
import type { Accepted } from "../principal.js";
import type { OutputAsked } from "./resources.js";
import type { PrincipalObserver } from "../principal-observer.js";

/** Whose output it is. */
interface Looked {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
}

/** What a request is made with. */
export interface OutputRequestParts {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly source: string;
  readonly observer: PrincipalObserver;
}

/** Puts a request for the output of a resource into the mailbox of its agent; undefined where there is no such resource. */
export async function requestOutput(
  { agent, kind, name }: Looked,
  asked: OutputAsked,
  { runtime, store, source, observer }: OutputRequestParts,
): Promise<Accepted | undefined> {
  const sent = await store.retained.get(agent, "sent", subjectOf(kind, name));
  if (sent === undefined || eventClass(sent.event.type) === "delete") return undefined;
  const now = runtime.clock.wallTime();
  const event = checkDraft(
    outputRequestEvent({
      ...asked,
      kind,
      name,
      id: runtime.random.uuid(),
      source,
      time: new Date(now).toISOString(),
      expirytime: new Date(now + asked.forMs).toISOString(),
    }),
  );
  const appended = await appendOne(store, { peer: agent, event });
  if (!appended.ok) {
    observer.rejected?.(agent, appended.error.code);
    throw appended.error;
  }
  const { resourceid, type } = event;
  const eventid = formatVersion(appended.version);
  observer.accepted?.(agent, { resourceid, eventid, type });
  return { resourceid, eventid, duplicate: false };
}
