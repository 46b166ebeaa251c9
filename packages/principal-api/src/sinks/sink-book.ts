import { allOf, type PageRequest } from "@hawser/principal";
import {
  deleteEvent,
  eventClass,
  HawserError,
  parseSpecData,
  specEvent,
  type EventDraft,
  type JsonValue,
  type ResourceRef,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import { appendOne, type RetainedState, type Store } from "@hawser/store";
import { LogMailbox } from "../event-log/log-mailbox.js";
import { parseSinkDefinition, type SinkDefinition } from "./sink-definition.js";

/** The mailbox whose retained state the definitions are. */
const MAILBOX = "sinks";
const KIND = "Sink";
const SOURCE = "hawser/sinks";

/** A definition as it is kept. */
export interface KeptSink {
  readonly name: string;
  /** Of this sink, and of no other that had its name before. */
  readonly uid: string;
  readonly definition: SinkDefinition;
}

/** Which sinks there are, durably: each is a resource without an agent, so nothing waits for an answer. */
export class SinkBook {
  readonly #store: Store;
  readonly #runtime: Runtime;
  readonly #mailbox: LogMailbox;

  constructor(store: Store, runtime: Runtime) {
    this.#store = store;
    this.#runtime = runtime;
    this.#mailbox = new LogMailbox({
      store,
      runtime,
      peer: MAILBOX,
      onEntry: ({ version }) => this.#mailbox.acknowledge(version),
    });
  }

  /** @throws HawserError `store_corrupt` for a definition that cannot be read */
  async open(): Promise<readonly KeptSink[]> {
    await this.#mailbox.open();
    const kept: KeptSink[] = [];
    const paged = {
      read: ({ after, limit }: PageRequest<string>) =>
        this.#store.retained.list(MAILBOX, "sent", after === undefined ? { limit } : { after, limit }),
      keyOf: ({ subject }: RetainedState) => subject,
    };
    for await (const { event } of allOf(paged))
      if (eventClass(event.type) === "spec") kept.push(toSink(event));
    return kept;
  }

  close(): Promise<void> {
    return this.#mailbox.close();
  }

  put({ name, uid, definition }: KeptSink): Promise<void> {
    // What is undefined is no JSON.
    const spec = JSON.parse(JSON.stringify(definition)) as JsonValue;
    return this.#append(specEvent({ ...this.#ref(name, uid), spec }));
  }

  remove({ name, uid }: KeptSink): Promise<void> {
    return this.#append(deleteEvent(this.#ref(name, uid)));
  }

  #ref(name: string, uid: string): ResourceRef {
    return { id: this.#runtime.random.uuid(), source: SOURCE, kind: KIND, name, uid };
  }

  async #append(event: EventDraft): Promise<void> {
    const answer = await appendOne(this.#store, { peer: MAILBOX, event });
    if (!answer.ok) throw answer.error;
  }
}

function toSink(event: EventDraft): KeptSink {
  const { name, uid, spec } = parseSpecData(event);
  try {
    return { name, uid, definition: parseSinkDefinition(spec) };
  } catch (cause) {
    const message = `the definition of the sink ${name} cannot be read: ${HawserError.from(cause).message}`;
    throw new HawserError("store_corrupt", message, { cause });
  }
}
