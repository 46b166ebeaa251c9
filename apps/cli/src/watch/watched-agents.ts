import type { Agent } from "../api/schemas.js";

/** As many as a principal puts in order itself. Ten thousand are about ten megabytes. */
export const DEFAULT_MAX_WATCHED_AGENTS = 100_000;

export interface WatchOrder {
  readonly sort: "name" | "pending" | "lastSeenAt";
  readonly order: "asc" | "desc";
}

/** The first agents by an order, and all of them in sums. */
export interface WatchedView {
  readonly first: readonly Agent[];
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

  /** One walk through all, in which only `count` are kept in order. Sessions are as old as they are by `now`. */
  view(order: WatchOrder, count: number, now: number): WatchedView {
    const compare = comparison(order);
    const first: Seen[] = [];
    const sums = { known: this.#seen.size, connected: 0, pending: 0, deadLetters: 0 };
    for (const seen of this.#seen.values()) {
      const { agent } = seen;
      if (agent.state === "connected") sums.connected += 1;
      sums.pending += agent.pending;
      sums.deadLetters += agent.deadLetters;
      const last = first.at(-1);
      if (first.length >= count && last !== undefined && compare(agent, last.agent) >= 0) continue;
      first.splice(placeOf(first, agent, compare), 0, seen);
      if (first.length > count) first.pop();
    }
    return { first: first.map((seen) => asOf(seen, now)), ...sums };
  }
}

type Comparison = (one: Agent, other: Agent) => number;

function comparison({ sort, order }: WatchOrder): Comparison {
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
