import {
  formatVersion,
  HawserError,
  parseDeleteData,
  parseOutputRequest,
  parseSpecData,
  subjectOf,
} from "@hawser/protocol";
import type { Delivery, Outcome } from "@hawser/link";
import type { Logger } from "@hawser/runtime";
import type { RetainedStates } from "@hawser/store";
import type { HandlerSignals } from "./handler-signals.js";
import { kept, readHeld, type HeldResource, type KeptResource } from "./held-resources.js";
import { isHandlerRejection, Rejection, rejection } from "./rejection.js";
import type {
  DeletedResource,
  DesiredResource,
  HandlerContext,
  ResourceHandler,
} from "./resource-handler.js";
import type { StatusReporter, StatusWriter } from "./status-reporter.js";
import { unreportable } from "./unreportable.js";

// Resources an agent holds, applied or not; about 1 KB of memory each. A spec beyond it is tried
// again (`inbox_full`) until one is deleted.
const MAX_HELD_RESOURCES = 100_000;

// Longest time one output request is served, in milliseconds; a reader asks again.
const MAX_OUTPUT_MS = 60_000;

export interface ResourceDispatcherOptions {
  /** @default MAX_HELD_RESOURCES */
  readonly maxHeld?: number;
  readonly handlers: Readonly<Record<string, ResourceHandler>>;
  readonly retained: RetainedStates;
  readonly reporter: StatusReporter;
  readonly signals: HandlerSignals;
  readonly logger: Logger;
  /** Name of the principal's store in the current session. */
  readonly peerStore: () => string | undefined;
}

/**
 * Brings specs and deletes to the handler of their kind, by the rules of uids (PROTOCOL.md,
 * Resource events). Whoever calls it sees to it that calls for one subject do not overlap.
 */
export class ResourceDispatcher {
  readonly #options: ResourceDispatcherOptions;
  // Uid and version of each resource the handlers know, by subject. Ahead of the store while a
  // record is written.
  readonly #held = new Map<string, HeldResource>();

  constructor(options: ResourceDispatcherOptions) {
    this.#options = options;
  }

  /** Hands every resource held to its handler. The failure of one is logged. */
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

  async spec(delivery: Delivery): Promise<Outcome> {
    const { event, version, attempt, peerStore } = delivery;
    const data = parsed(() => parseSpecData(event));
    const resource: DesiredResource = { ...data, version: event.eventid, attempt };
    const handler = this.#handler(resource.kind);
    if (handler === undefined) throw this.#noHandler(resource.kind);
    const subject = subjectOf(resource.kind, resource.name);
    const before = this.#held.get(subject);
    const { maxHeld = MAX_HELD_RESOURCES } = this.#options;
    if (before === undefined && this.#held.size >= maxHeld)
      return { kind: "retry", error: noRoom(subject, maxHeld) };
    if (before !== undefined && before.uid !== resource.uid) {
      if (this.#isOlder(delivery, before)) return { kind: "applied" };
      // The name has a new owner: what it was before goes first.
      const old = { ...resource, uid: before.uid, version: formatVersion(before.version) };
      await this.#remove(handler, subject, old, delivery);
    }
    this.#held.set(subject, { uid: resource.uid, version, peerStore });
    try {
      await this.#apply(handler, resource, delivery);
    } catch (thrown) {
      // Refused for good, so it has not happened: what was there before still is.
      if (isHandlerRejection(thrown)) {
        this.#setHeld(subject, before?.uid === resource.uid ? before : undefined);
        if (!this.#held.has(subject)) this.#options.reporter.release(subject);
      }
      throw thrown;
    }
    return { kind: "applied", retain: { keep: kept(event, peerStore) } };
  }

  async delete(delivery: Delivery): Promise<Outcome> {
    const { event, attempt } = delivery;
    const data = parsed(() => parseDeleteData(event));
    const subject = subjectOf(data.kind, data.name);
    const held = this.#held.get(subject);
    const isHeld = held?.uid === data.uid;
    // The name belongs to a newer uid. The older resource was removed when that arrived; this
    // delete only confirms it.
    if (held !== undefined && !isHeld && this.#isOlder(delivery, held))
      return { kind: "applied", retain: { forget: subject } };
    const handler = this.#handler(data.kind);
    if (handler === undefined && isHeld) throw this.#noHandler(data.kind);
    // Also when not held: an apply may have begun and never been recorded.
    if (handler !== undefined) {
      try {
        await this.#remove(handler, subject, { ...data, version: event.eventid, attempt }, delivery);
      } catch (thrown) {
        if (!this.#held.has(subject)) this.#options.reporter.release(subject);
        throw thrown;
      }
    }
    return { kind: "applied", retain: { forget: subject } };
  }

  /** The handler checks a resource, unless another version has come since it was read. */
  async check({ resource, held, resourceid }: KeptResource): Promise<void> {
    const handler = this.#handler(resource.kind);
    const subject = subjectOf(resource.kind, resource.name);
    const now = this.#held.get(subject);
    const isSame = now?.uid === held.uid && now.version === held.version && now.peerStore === held.peerStore;
    if (handler?.check === undefined || !isSame) return;
    const logger = this.#logger(resourceid, resource.version);
    const { reporter } = this.#options;
    // What the handler was given to report by stays good.
    const writer = reporter.writerOf(subject) ?? reporter.open(resource);
    try {
      const status = await handler.check(resource, this.#context(writer, logger));
      if (status !== undefined) await write(writer, status, logger);
    } catch (err) {
      logger.warn({ err }, "a resource could not be looked at; it is looked at again");
    }
  }

  /** Somebody looks at what a resource writes. */
  async output({ event }: Delivery): Promise<Outcome> {
    const request = parsed(() => parseOutputRequest(event));
    const { kind, name, forMs } = request;
    const handler = this.#handler(kind);
    if (handler === undefined) throw this.#noHandler(kind);
    if (handler.output === undefined)
      throw rejection("no_handler", `the handler of kind ${kind} shows nothing of what its resources write`);
    const subject = subjectOf(kind, name);
    if (!this.#held.has(subject))
      throw new HawserError(
        "handler_rejected",
        `this agent holds no ${subject}, so there is nothing to show`,
      );
    await handler.output({ ...request, forMs: Math.min(forMs, MAX_OUTPUT_MS) });
    return { kind: "applied" };
  }

  async #apply(handler: ResourceHandler, resource: DesiredResource, delivery: Delivery): Promise<void> {
    const logger = this.#logger(delivery.event.resourceid, delivery.event.eventid);
    const writer = this.#options.reporter.open(resource);
    const status = await handler.apply(resource, this.#context(writer, logger, delivery));
    if (status !== undefined) await write(writer, status, logger);
  }

  async #remove(
    handler: ResourceHandler,
    subject: string,
    { kind, name, uid, version, attempt }: DeletedResource,
    delivery: Delivery,
  ): Promise<void> {
    const resource = { kind, name, uid, version, attempt };
    const { reporter } = this.#options;
    await handler.delete(
      resource,
      this.#context(reporter.open(resource), this.#logger(`${name}_${uid}`, version), delivery),
    );
    await reporter.close(subject);
    if (this.#held.get(subject)?.uid === uid) this.#held.delete(subject);
  }

  /** @param delivery what the handler is called for, if it came by a session */
  #context(writer: StatusWriter, logger: Logger, delivery?: Delivery): HandlerContext {
    const { signals } = this.#options;
    const report = async (status: unknown): Promise<void> => writer.write(status).durable;
    if (delivery === undefined) return { report, signal: signals.stop, logger };
    return { report, epoch: delivery.epoch, signal: signals.of(delivery), logger };
  }

  // Versions of two stores cannot be compared: an event of the current store is newer.
  #isOlder({ version, peerStore }: Delivery, held: HeldResource): boolean {
    if (held.peerStore === peerStore) return version < held.version;
    return peerStore !== this.#options.peerStore();
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

function noRoom(subject: string, maxHeld: number): HawserError {
  return new HawserError(
    "inbox_full",
    `this agent holds ${maxHeld} resources, and no more: ${subject} is taken once one of them is deleted`,
  );
}

// Not longer than one try: a full mailbox must not hold back the ACK of a spec that is applied.
async function write(writer: StatusWriter, status: unknown, logger: Logger): Promise<void> {
  try {
    await writer.write(status).tried;
  } catch (thrown) {
    await writer.write(unreportable(thrown, logger)).tried;
  }
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    throw new Rejection(HawserError.from(thrown, "invalid_event"));
  }
}
