import type { AgentView } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import type { PageJson, PageRequest } from "../http/paging.js";

export const AGENT_SORTS = ["name", "pending", "lastSeenAt"] as const;
export const ORDERS = ["asc", "desc"] as const;

export interface AgentOrder {
  readonly sort: (typeof AGENT_SORTS)[number];
  readonly order: (typeof ORDERS)[number];
}

/** A place in an order: behind everything up to here. The name tells agents with the same value apart. */
interface Place {
  readonly value: number;
  readonly name: string;
}

const CURSOR = /^(\d{1,16})~([a-z0-9.-]{1,128})$/;

/**
 * A page of agents in an order. The cursor is the value and the name of the last one, not a count: agents that come, go or change meanwhile shift nothing else,
 * only one whose value crossed the cursor between two pages is shown twice or not at all.
 *
 * @throws HawserError `invalid_message` for a cursor of another order
 */
export function orderedPage<Json>(
  agents: readonly AgentView[],
  { sort, order }: AgentOrder,
  { limit, after }: PageRequest,
  json: (view: AgentView) => Json,
): PageJson<Json> {
  const sign = order === "asc" ? 1 : -1;
  const compare = (a: Place, b: Place): number => sign * (a.value - b.value || (a.name < b.name ? -1 : 1));
  const behind = after === undefined ? undefined : parsePlace(after);
  const places = agents
    .map((view) => ({ value: valueOf(view, sort), name: view.name, view }))
    .filter((place) => behind === undefined || (place.name !== behind.name && compare(place, behind) > 0))
    .sort(compare);
  const page = places.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ view }) => json(view)),
    next: places.length > limit && last !== undefined ? `${last.value}~${last.name}` : null,
  };
}

/** An agent that was never seen is the longest away. */
function valueOf(view: AgentView, sort: AgentOrder["sort"]): number {
  switch (sort) {
    case "name":
      return 0;
    case "pending":
      return view.pending;
    case "lastSeenAt":
      return view.lastSeenAt ?? 0;
  }
}

function parsePlace(after: string): Place {
  const [, value, name] = CURSOR.exec(after) ?? [];
  if (value !== undefined && name !== undefined) return { value: Number(value), name };
  throw new HawserError(
    "invalid_message",
    "after is not the next of a page in this order; begin without it, and keep sort and order from page to page",
  );
}
