import { invariant } from "./invariant.js";

/** Where a value stands in its list: what takes it out again in constant time. */
export class Place<T> {
  readonly value: T;
  /** The list's own business, as are its neighbours; undefined once removed. */
  list: LinkedList<T> | undefined;
  previous: Place<T> | undefined;
  next: Place<T> | undefined;

  constructor(list: LinkedList<T>, value: T, previous: Place<T> | undefined) {
    this.list = list;
    this.value = value;
    this.previous = previous;
    this.next = undefined;
  }
}

/** First in, first out. Removal from the middle takes constant time as well. */
export class LinkedList<T> implements Iterable<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first?.value;
  }

  get last(): T | undefined {
    return this.#last?.value;
  }

  append(value: T): Place<T> {
    const place = new Place(this, value, this.#last);
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#size += 1;
    return place;
  }

  remove(place: Place<T>): void {
    invariant(place.list === this, "a value was removed from a list it is not in");
    const { previous, next } = place;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    place.list = undefined;
    place.previous = undefined;
    place.next = undefined;
    this.#size -= 1;
  }

  shift(): T | undefined {
    const place = this.#first;
    if (place === undefined) return undefined;
    this.remove(place);
    return place.value;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let place = this.#first; place !== undefined; place = place.next) yield place.value;
  }
}
