import { eventClass, OUTPUT_REQUEST_TYPE, subjectOf } from "@hawser/protocol";
import type { Delivery, Outcome } from "@hawser/link";
import { KeyedQueue, traced } from "@hawser/runtime";
import type { PrincipalEventHandler } from "./agent.js";
import { readHeld } from "./held-resources.js";
import { isHandlerRejection, Rejection, rejection } from "./rejection.js";
import { ResourceDispatcher, type ResourceDispatcherOptions } from "./resource-dispatcher.js";
import { handling } from "./tracing.js";

export interface DispatcherOptions extends ResourceDispatcherOptions {
  readonly agent: string;
  readonly onEvent: PrincipalEventHandler | undefined;
}

/** Brings each event of the principal to its handler, and returns the outcome. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #resources: ResourceDispatcher;
  // By subject: the inbox orders by resource, and two uids of a name are two resources to it.
  readonly #queue = new KeyedQueue();
  #running = 0;
  #onIdle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#resources = new ResourceDispatcher(options);
  }

  /** Hands every resource held back to its handler. */
  restore(): Promise<void> {
    return this.#resources.restore();
  }

  /** Handlers check every resource held, each in turn with its events. Ends early by `signal`. */
  async check(signal: AbortSignal): Promise<void> {
    for await (const each of readHeld(this.#options.retained)) {
      if (signal.aborted) return;
      const { kind, name } = each.resource;
      await this.#counted(this.#queue.run(subjectOf(kind, name), () => this.#resources.check(each)));
    }
  }

  /** Applies one event. What is thrown is to be tried again. */
  apply(delivery: Delivery): Promise<Outcome> {
    const { type, subject } = delivery.event;
    const run = (): Promise<Outcome> => this.#attempt(delivery);
    // Commands are kept in order per resource by the inbox, and need not wait for its states.
    const inTurn = eventClass(type) !== "command" && subject !== undefined;
    return this.#counted(inTurn ? this.#queue.run(subject, run) : run());
  }

  #counted<T>(result: Promise<T>): Promise<T> {
    this.#running += 1;
    const ended = (): void => this.#ended();
    result.then(ended, ended);
    return result;
  }

  /** Resolves when no handler runs. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#running === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }

  #ended(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #attempt(delivery: Delivery): Promise<Outcome> {
    const { event, attempt } = delivery;
    return traced(
      handling,
      () => ({ agent: this.#options.agent, event, attempt }),
      async () => {
        try {
          return await this.#handle(delivery);
        } catch (thrown) {
          return this.#failed(delivery, thrown);
        }
      },
    );
  }

  async #handle(delivery: Delivery): Promise<Outcome> {
    const { event } = delivery;
    switch (eventClass(event.type)) {
      case "spec":
        return this.#resources.spec(delivery);
      case "delete":
        return this.#resources.delete(delivery);
      case "command":
        return event.type === OUTPUT_REQUEST_TYPE
          ? this.#resources.output(delivery)
          : this.#command(delivery);
      case "status":
        throw rejection("forbidden", `${event.type} is for an agent to send`);
    }
  }

  async #command(delivery: Delivery): Promise<Outcome> {
    const { onEvent, signals } = this.#options;
    const { event, attempt, epoch } = delivery;
    const what = `this agent does not handle ${event.type}: its program takes no commands`;
    if (onEvent === undefined) throw rejection("no_handler", what);
    await onEvent({ event, attempt, epoch, signal: signals.of(delivery) });
    return { kind: "applied" };
  }

  #failed({ event, attempt }: Delivery, thrown: unknown): Outcome {
    const fields = { resource_id: event.resourceid, event_id: event.eventid };
    const { logger } = this.#options;
    if (thrown instanceof Rejection || isHandlerRejection(thrown)) {
      const error = thrown instanceof Rejection ? thrown.error : thrown;
      logger.error({ ...fields, code: error.code }, `refused an event for good: ${error.message}`);
      return { kind: "rejected", error };
    }
    const failure = { ...fields, code: "handler_failed", err: thrown, attempt };
    logger.warn(failure, "a handler failed; the event will be tried again");
    throw thrown;
  }
}
