import { supersedes, type EventClass } from "@hawser/protocol";
import { LinkedList, type Place } from "./linked-list.js";

/** Anything that waits and knows how delivery treats it. */
export interface Classified {
  readonly eventClass: EventClass;
}

type StateClass = Exclude<EventClass, "command">;
const STATE_CLASSES: readonly StateClass[] = ["spec", "status", "delete"];
const NONE: readonly never[] = [];

/**
 * Events of one resource that wait, in version order. A state drops the older states it supersedes;
 * commands stay. Constant time throughout.
 */
export class CoalescingQueue<T extends Classified> implements Iterable<T> {
  readonly #waiting = new LinkedList<T>();
  readonly #states: Record<StateClass, Place<T> | undefined> = {
    spec: undefined,
    status: undefined,
    delete: undefined,
  };

  get size(): number {
    return this.#waiting.size;
  }

  get first(): T | undefined {
    return this.#waiting.first;
  }

  get last(): T | undefined {
    return this.#waiting.last;
  }

  /** Adds the newest item; answers with the items it superseded and dropped. */
  push(item: T): readonly T[] {
    const { eventClass } = item;
    if (eventClass === "command") {
      this.#waiting.append(item);
      return NONE;
    }
    const dropped = this.drop(eventClass);
    this.#states[eventClass] = this.#waiting.append(item);
    return dropped;
  }

  /** Takes out the states that one of class `newer` supersedes, and answers with them. */
  drop(newer: StateClass): readonly T[] {
    if (this.#waiting.size === 0) return NONE;
    let dropped: T[] | undefined;
    for (const older of STATE_CLASSES) {
      const place = this.#states[older];
      if (place === undefined || !supersedes(newer, older)) continue;
      this.#waiting.remove(place);
      this.#states[older] = undefined;
      (dropped ??= []).push(place.value);
    }
    return dropped ?? NONE;
  }

  shift(): T | undefined {
    const item = this.#waiting.shift();
    if (item !== undefined && item.eventClass !== "command") this.#states[item.eventClass] = undefined;
    return item;
  }

  /** Takes out what is wanted, in order. Takes as long as there is waiting. */
  take(wanted: (item: T) => boolean): readonly T[] {
    const all: T[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) all.push(item);
    const taken: T[] = [];
    for (const item of all) {
      if (wanted(item)) taken.push(item);
      // None of those that stay supersedes another: they were here together, in this order.
      else this.push(item);
    }
    return taken;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#waiting[Symbol.iterator]();
  }
}
