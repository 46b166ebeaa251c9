import {
  eventClass,
  formatVersion,
  HawserError,
  parseDeleteData,
  parseSpecData,
  subjectOf,
  type EventClass,
  type JsonValue,
} from "@hawser/protocol";
import type { Delivery, Outcome } from "@hawser/link";
import type { Logger } from "@hawser/runtime";
import type { RetainedStates } from "@hawser/store";
import type { PrincipalEventHandler } from "./agent.js";
import { kept, readHeld, type HeldResource } from "./held-resources.js";
import type {
  DeletedResource,
  DesiredResource,
  HandlerContext,
  ResourceHandler,
} from "./resource-handler.js";
import type { StatusReporter, StatusVoice } from "./status-reporter.js";
import { SubjectQueue } from "./subject-queue.js";

export interface DispatcherOptions {
  readonly handlers: Readonly<Record<string, ResourceHandler>>;
  readonly onEvent: PrincipalEventHandler | undefined;
  readonly retained: RetainedStates;
  readonly reporter: StatusReporter;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Name of the principal's store in the current session. */
  readonly peerStore: () => string | undefined;
}

/** Brings each event of the principal to the handler of its kind, by the rules of uids (PROTOCOL.md, Resource events). */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #queue = new SubjectQueue();
  readonly #running = new Set<Promise<unknown>>();
  /** Which life of each resource the handlers have been told of, by subject. Ahead of the store while a record is being written. */
  readonly #held = new Map<string, HeldResource>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Hands every resource held back to its handler. One handler's failure is logged and leaves the others alone. */
  async restore(): Promise<void> {
    for await (const { resource, held, resourceid } of readHeld(this.#options.retained)) {
      this.#held.set(subjectOf(resource.kind, resource.name), held);
      const handler = this.#handler(resource.kind);
      const logger = this.#logger(resourceid, resource.version);
      if (handler === undefined)
        logger.warn({ kind: resource.kind }, "no handler for a resource this agent holds");
      try {
        await handler?.restore?.(resource, this.#context(this.#options.reporter.open(resource), logger));
      } catch (err) {
        logger.error({ err }, "a handler failed to take a resource up again");
      }
    }
  }

  /** Applies one event. What is thrown is to be tried again. */
  apply(delivery: Delivery): Promise<Outcome> {
    const { event } = delivery;
    // Parsed as an event of its class, a state event has a subject.
    const run = (): Promise<Outcome> => this.#apply(eventClass(event.type), delivery);
    const result = event.subject === undefined ? run() : this.#queue.run(event.subject, run);
    const watched = result.catch(() => {}).finally(() => this.#running.delete(watched));
    this.#running.add(watched);
    return result;
  }

  /** Resolves when no handler runs. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #apply(kind: EventClass, delivery: Delivery): Promise<Outcome> {
    try {
      switch (kind) {
        case "spec":
          return await this.#spec(delivery);
        case "delete":
          return await this.#delete(delivery);
        case "command":
          return await this.#command(delivery);
        case "status":
          throw rejection("forbidden", `${delivery.event.type} is for an agent to send`);
      }
    } catch (thrown) {
      return this.#failed(delivery, thrown);
    }
  }

  async #spec(delivery: Delivery): Promise<Outcome> {
    const { event, version, attempt } = delivery;
    const resource: DesiredResource = {
      ...parsed(() => parseSpecData(event)),
      version: event.eventid,
      attempt,
    };
    const handler = this.#handler(resource.kind);
    if (handler === undefined) throw this.#noHandler(resource.kind);
    const subject = subjectOf(resource.kind, resource.name);
    const before = this.#held.get(subject);
    if (before !== undefined && before.uid !== resource.uid) {
      if (this.#isOlder(version, before)) return { kind: "applied" };
      await this.#replace(handler, subject, before, delivery);
    }
    const voice = this.#options.reporter.open(resource);
    const context = this.#context(voice, this.#logger(event.resourceid, event.eventid));
    const peerStore = this.#options.peerStore();
    this.#held.set(subject, { uid: resource.uid, version, peerStore });
    let status: JsonValue | void;
    try {
      status = await handler.apply(resource, context);
    } catch (thrown) {
      // Refused for good, so it has not happened: what was there before still is.
      if (isRejection(thrown)) this.#setHeld(subject, before?.uid === resource.uid ? before : undefined);
      throw thrown;
    }
    if (status !== undefined) await this.#say(voice, status, context.logger);
    return { kind: "applied", retain: { keep: kept(event, peerStore) } };
  }

  /** The name has a new owner: what it was before goes first. */
  async #replace(
    handler: ResourceHandler,
    subject: string,
    old: HeldResource,
    { event, attempt }: Delivery,
  ): Promise<void> {
    const { kind, name } = parseSpecData(event);
    const resource = { kind, name, uid: old.uid, version: formatVersion(old.version), attempt };
    await this.#remove(handler, subject, resource, this.#logger(`${name}_${old.uid}`, resource.version));
  }

  async #delete({ event, attempt }: Delivery): Promise<Outcome> {
    const resource: DeletedResource = {
      ...parsed(() => parseDeleteData(event)),
      version: event.eventid,
      attempt,
    };
    const subject = subjectOf(resource.kind, resource.name);
    const held = this.#held.get(subject);
    // Another life of the resource has the name; the one that is to go went when that one came.
    if (held !== undefined && held.uid !== resource.uid) return { kind: "applied" };
    const handler = this.#handler(resource.kind);
    if (handler === undefined && held !== undefined) throw this.#noHandler(resource.kind);
    // Also when nothing is held: an apply may have begun and never been recorded.
    if (handler !== undefined) {
      await this.#remove(handler, subject, resource, this.#logger(event.resourceid, event.eventid));
    }
    return { kind: "applied", retain: { forget: subject } };
  }

  async #remove(
    handler: ResourceHandler,
    subject: string,
    resource: DeletedResource,
    logger: Logger,
  ): Promise<void> {
    await handler.delete(resource, this.#context(this.#options.reporter.open(resource), logger));
    await this.#options.reporter.close(subject);
    this.#held.delete(subject);
  }

  async #command({ event, attempt }: Delivery): Promise<Outcome> {
    const { onEvent, signal } = this.#options;
    if (onEvent === undefined) {
      throw rejection("no_handler", `this agent does not handle ${event.type}; give createAgent an onEvent`);
    }
    await onEvent({ event, attempt, signal });
    return { kind: "applied" };
  }

  #failed({ event, attempt }: Delivery, thrown: unknown): Outcome {
    const logger = this.#logger(event.resourceid, event.eventid);
    if (thrown instanceof Rejection) {
      logger.error({ code: thrown.error.code }, `refused an event for good: ${thrown.error.message}`);
      return { kind: "rejected", error: thrown.error };
    }
    if (isRejection(thrown)) {
      logger.error({ code: thrown.code }, `a handler refused an event for good: ${thrown.message}`);
      return { kind: "rejected", error: thrown };
    }
    logger.warn({ err: thrown, attempt }, "a handler failed; the event will be tried again");
    throw thrown;
  }

  // Not longer than one try: a full mailbox must not hold back the ACK of a spec that is applied.
  async #say(voice: StatusVoice, status: JsonValue, logger: Logger): Promise<void> {
    try {
      await voice.say(status).tried;
    } catch (thrown) {
      const { code, message } = HawserError.from(thrown);
      logger.error({ code }, `a status cannot be sent: ${message}`);
      await voice.say({ state: "unreportable", code, message }).tried;
    }
  }

  #context(voice: StatusVoice, logger: Logger): HandlerContext {
    const report = async (status: JsonValue): Promise<void> => voice.say(status).durable;
    return { report, signal: this.#options.signal, logger };
  }

  // Versions of two stores of the principal cannot be compared; what arrives now comes from the one that is there now.
  #isOlder(version: number, held: HeldResource): boolean {
    return held.peerStore === this.#options.peerStore() && version < held.version;
  }

  #setHeld(subject: string, held: HeldResource | undefined): void {
    if (held === undefined) this.#held.delete(subject);
    else this.#held.set(subject, held);
  }

  #handler(kind: string): ResourceHandler | undefined {
    return Object.hasOwn(this.#options.handlers, kind) ? this.#options.handlers[kind] : undefined;
  }

  #noHandler(kind: string): Rejection {
    const kinds = Object.keys(this.#options.handlers).join(", ") || "none";
    return rejection("no_handler", `this agent has no handler for kind ${kind}; it handles: ${kinds}`);
  }

  #logger(resourceid: string, eventid: string): Logger {
    return this.#options.logger.child({ resource_id: resourceid, event_id: eventid });
  }
}

/** Carries an error whose event is to be refused for good, whatever its code. */
class Rejection extends Error {
  readonly error: HawserError;

  constructor(error: HawserError) {
    super(error.message);
    this.error = error;
  }
}

function rejection(code: "no_handler" | "forbidden", message: string): Rejection {
  return new Rejection(new HawserError(code, message));
}

function isRejection(thrown: unknown): thrown is HawserError {
  return thrown instanceof HawserError && thrown.code === "handler_rejected";
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    throw new Rejection(HawserError.from(thrown, "invalid_event"));
  }
}
