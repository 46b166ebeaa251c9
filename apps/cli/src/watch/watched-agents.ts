import type { Agent } from "../api/schemas.js";
import type { ListOrder } from "../output/list-keys.js";

/** As many as a principal puts in order itself. Ten thousand are about ten megabytes. */
export const DEFAULT_MAX_WATCHED_AGENTS = 100_000;

/** To put one more in its place among so many costs less than to sort all. */
const MAX_KEPT_IN_ORDER = 500;

/** Some agents by an order, and all of them in sums. */
export interface WatchedView {
  readonly shown: readonly Agent[];
  readonly known: number;
  readonly connected: number;
  readonly pending: number;
  readonly deadLetters: number;
}

interface Seen {
  readonly agent: Agent;
  readonly seenAt: number;
}

/** All agents as they were told last. */
export class WatchedAgents {
  readonly #max: number;
  readonly #seen = new Map<string, Seen>();

  constructor(max: number = DEFAULT_MAX_WATCHED_AGENTS) {
    this.#max = max;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** @param now monotonic milliseconds. Answers false when it is one more than are kept: then it is not. */
  put(agent: Agent, now: number): boolean {
    if (this.#seen.size >= this.#max && !this.#seen.has(agent.name)) return false;
    this.#seen.set(agent.name, { agent, seenAt: now });
    return true;
  }

  remove(name: string): void {
    this.#seen.delete(name);
  }

  clear(): void {
    this.#seen.clear();
  }

  /** So many agents behind the first few by an order. Sessions are as old as they are by `now`. */
  view(order: ListOrder, offset: number, count: number, now: number): WatchedView {
    const sums = { known: this.#seen.size, connected: 0, pending: 0, deadLetters: 0 };
    for (const { agent } of this.#seen.values()) {
      if (agent.state === "connected") sums.connected += 1;
      sums.pending += agent.pending;
      sums.deadLetters += agent.deadLetters;
    }
    const shown = this.#first(order, offset + count).slice(offset);
    return { shown: shown.map((seen) => asOf(seen, now)), ...sums };
  }

  /** One walk through all, in which only so many are kept in order; somebody who scrolls far has all put in order. */
  #first(order: ListOrder, count: number): readonly Seen[] {
    const compare = comparison(order);
    if (count > MAX_KEPT_IN_ORDER)
      return [...this.#seen.values()].sort((one, other) => compare(one.agent, other.agent)).slice(0, count);
    const first: Seen[] = [];
    for (const seen of this.#seen.values()) {
      const { agent } = seen;
      const last = first.at(-1);
      if (first.length >= count && last !== undefined && compare(agent, last.agent) >= 0) continue;
      first.splice(placeOf(first, agent, compare), 0, seen);
      if (first.length > count) first.pop();
    }
    return first;
  }
}

type Comparison = (one: Agent, other: Agent) => number;

function comparison({ sort, order }: ListOrder): Comparison {
  const sign = order === "asc" ? 1 : -1;
  const byName: Comparison = (one, other) => (one.name < other.name ? -1 : 1);
  switch (sort) {
    case "name":
      return (one, other) => sign * byName(one, other);
    case "pending":
      return (one, other) => sign * (one.pending - other.pending || byName(one, other));
    case "lastSeenAt":
      return (one, other) =>
        sign * ((one.lastSeenAt ?? "").localeCompare(other.lastSeenAt ?? "") || byName(one, other));
  }
}

/** Where in the ordered list it goes, by halves. */
function placeOf(first: readonly Seen[], agent: Agent, compare: Comparison): number {
  let low = 0;
  let high = first.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = first[middle];
    if (there !== undefined && compare(there.agent, agent) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function asOf({ agent, seenAt }: Seen, now: number): Agent {
  const { session } = agent;
  return session === undefined
    ? agent
    : { ...agent, session: { ...session, ageMs: session.ageMs + now - seenAt } };
}
