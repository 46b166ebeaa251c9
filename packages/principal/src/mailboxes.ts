import { acceptedOf, publishTo, type Accepted } from "@hawser/link";
import {
  checkAgentName,
  HawserError,
  parseVersion,
  type EventDraft,
  type TraceContext,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { DeadLetter, Store } from "@hawser/store";
import type { Page } from "./all-of.js";
import { countRefusals, type PrincipalObserver } from "./principal-observer.js";
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

  publish(
    agent: string,
    event: EventDraft,
    idempotencyKey: string | undefined,
    traceContext: TraceContext | undefined,
  ): Promise<Accepted> {
    const { store, observer } = this.#options;
    try {
      countRefusals(observer, agent, () => checkAddressee(agent));
    } catch (refused) {
      return Promise.reject(HawserError.from(refused));
    }
    const reserved = "change a resource with resources.put or resources.delete";
    return publishTo(store, agent, event, { agent, reserved, idempotencyKey, traceContext, observer });
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
    const { store, observer } = this.#options;
    checkAgentName(agent);
    const version = parseVersion(eventid);
    const [letter] = await store.deadLetters(agent, { after: version - 1, limit: 1 });
    return acceptedOf(agent, letter?.event, await store.requeue(agent, version), observer);
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
}

function deadLetterView(agent: string, { event, reason }: DeadLetter): DeadLetterView {
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
