import {
  checkAgentName,
  checkDraft,
  formatVersion,
  HawserError,
  parseVersion,
  RESERVED_TYPE_PREFIX,
  withTraceContext,
  type EventDraft,
  type TraceContext,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { Appended, Store } from "@hawser/store";
import { countRefusals } from "./count-refusals.js";
import { deadLetterView } from "./dead-letter-view.js";
import type { Accepted, Page } from "./principal.js";
import type { PrincipalObserver } from "./principal-observer.js";
import { checkAddressee } from "./self-login.js";
import type { DeadLetterView } from "./views.js";

export interface MailboxesOptions {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly observer: PrincipalObserver;
  /** A dead letter of the agent was thrown away. */
  readonly discarded: (agent: string) => Promise<void>;
}

/** What goes into the mailboxes of agents, resources apart, and what did not come out of them. */
export class Mailboxes {
  readonly #options: MailboxesOptions;

  constructor(options: MailboxesOptions) {
    this.#options = options;
  }

  // Thousands may wait for the disk here: a suspended function for each would take more than all the rest of it (bench/README.md).
  publish(
    agent: string,
    event: EventDraft,
    idempotencyKey: string | undefined,
    traceContext: TraceContext | undefined,
  ): Promise<Accepted> {
    const { store, observer } = this.#options;
    try {
      const checked = countRefusals(observer, agent, () => checkPublication(agent, event));
      const draft = withTraceContext(checked, traceContext);
      const append =
        idempotencyKey === undefined
          ? { peer: agent, event: draft }
          : { peer: agent, event: draft, idempotencyKey };
      return store.append([append]).then(this.#answered(agent, draft));
    } catch (refused) {
      return Promise.reject(HawserError.from(refused));
    }
  }

  // By itself, so that what waits holds no more than this.
  #answered(agent: string, draft: EventDraft): (answers: readonly Appended[]) => Accepted {
    return ([appended]) => this.#accepted(agent, draft, appended);
  }

  async deadLetters(agent: string, { after, limit }: Page): Promise<readonly DeadLetterView[]> {
    checkAgentName(agent);
    const from = after === undefined ? {} : { after: parseVersion(after) };
    const letters = await this.#options.store.deadLetters(agent, { ...from, limit });
    return letters.map((letter) => deadLetterView(agent, letter));
  }

  /** The version that was given last; 0 for none. */
  async newest(agent: string): Promise<number> {
    checkAgentName(agent);
    return (await this.#options.store.stats(agent))?.lastVersion ?? 0;
  }

  async requeue(agent: string, eventid: string): Promise<Accepted> {
    const { store } = this.#options;
    checkAgentName(agent);
    const version = parseVersion(eventid);
    const [letter] = await store.deadLetters(agent, { after: version - 1, limit: 1 });
    return this.#accepted(agent, letter?.event, await store.requeue(agent, version));
  }

  async discard(agent: string, eventid: string): Promise<void> {
    const { store, runtime, observer, discarded } = this.#options;
    checkAgentName(agent);
    const about = { agent, event_id: eventid };
    if (!(await store.discard(agent, parseVersion(eventid)))) {
      throw new HawserError("not_found", `agent ${agent} has no dead letter ${eventid}`, about);
    }
    runtime.logger.info(about, "dead letter discarded");
    observer.discarded?.(agent, eventid);
    await discarded(agent);
  }

  #accepted(agent: string, event: EventDraft | undefined, appended: Appended | undefined): Accepted {
    const { observer } = this.#options;
    if (appended === undefined) throw new HawserError("internal", "the store gave no answer to an append");
    if (!appended.ok) {
      observer.rejected?.(agent, appended.error.code);
      throw appended.error;
    }
    const { resourceid = "", type = "" } = event ?? {};
    const eventid = formatVersion(appended.version);
    if (!appended.duplicate) observer.accepted?.(agent, { resourceid, eventid, type });
    return { eventid, resourceid, duplicate: appended.duplicate };
  }
}

// Resources have their own way in, which keeps their uid and their versions right.
function checkPublication(agent: string, event: EventDraft): EventDraft {
  checkAddressee(agent);
  const draft = checkDraft(event);
  if (!draft.type.startsWith(RESERVED_TYPE_PREFIX)) return draft;
  throw new HawserError(
    "invalid_event",
    `${draft.type} is reserved; change a resource with resources.put or resources.delete`,
    { agent, resource_id: draft.resourceid },
  );
}
