import type { CloudEvent, HawserError } from "@hawser/protocol";
import type { ConnectionEnd, ConnectionHandlers } from "../connection.js";

type Entry = "message" | "unreadable" | "writable" | "ended";

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
}

/** Handlers that remember everything and wake whoever waits for it. */
export class Recorder implements ConnectionHandlers {
  readonly messages: CloudEvent[] = [];
  /** Keys of events that could not be read. */
  readonly unread: string[] = [];
  readonly ends: ConnectionEnd[] = [];
  /** What was called, in order: proves that `ended` comes once and last. */
  readonly log: Entry[] = [];
  writables = 0;
  /** Runs inside `message`, for cases about what a handler may do there. */
  onMessage: (event: CloudEvent) => void = () => {};
  /** Runs inside `writable`. */
  onWritable: () => void = () => {};
  #waiters: Waiter[] = [];

  message(event: CloudEvent): void {
    this.messages.push(event);
    this.#record("message");
    this.onMessage(event);
  }

  unreadable(error: HawserError): void {
    this.unread.push(`${error.resource_id}@${error.event_id} ${error.code}`);
    this.#record("unreadable");
  }

  writable(): void {
    this.writables += 1;
    this.#record("writable");
    this.onWritable();
  }

  ended(end: ConnectionEnd): void {
    this.ends.push(end);
    this.#record("ended");
  }

  get ids(): string[] {
    return this.messages.map((event) => event.id);
  }

  /** Resolves once the condition holds after something was recorded, or holds already. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ condition, resolve }));
  }

  received(count: number): Promise<void> {
    return this.until(() => this.messages.length >= count);
  }

  async end(): Promise<ConnectionEnd> {
    await this.until(() => this.ends.length > 0);
    const [end] = this.ends;
    if (end === undefined) throw new Error("The end was recorded but is not there.");
    return end;
  }

  #record(entry: Entry): void {
    this.log.push(entry);
    const due = this.#waiters.filter((waiter) => waiter.condition());
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.resolve();
  }
}
