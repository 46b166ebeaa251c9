import type { AgentView, Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { z } from "zod";
import { about } from "../openapi/api-schema.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import { scanPage, type PageJson, type PageRequest } from "../http/paging.js";
import { choice, PAGE_QUERY } from "../http/query.js";
import { agentJson } from "./view-json.js";
import { AGENT_STATES } from "../openapi/view-schemas.js";

const AGENT_SORTS = ["name", "pending", "lastSeenAt"] as const;
const ORDERS = ["asc", "desc"] as const;
const NAME_PREFIX = /^[a-z0-9][a-z0-9.-]{0,127}$/;

export const AGENTS_QUERY = z.object({
  ...PAGE_QUERY,
  state: about("Only agents in this state.", choice(AGENT_STATES).optional()),
  name: about(
    "The beginning of a name.",
    z.string().regex(NAME_PREFIX, "must be the beginning of a name: a-z, 0-9, . and -").optional(),
  ),
  sort: about("What the list is in order of.", choice(AGENT_SORTS).default("name")),
  order: about("Which end comes first.", choice(ORDERS).default("asc")),
});

/** A page of agents as the query asks for it. In order of name it costs what it reads; in any other, one walk through all agents a second at most. */
export async function listAgents(
  { state, name: prefix = "", sort, order, ...page }: z.output<typeof AGENTS_QUERY>,
  principal: Pick<Principal, "agents">,
  fleet: FleetSnapshot,
): Promise<PageJson<Record<string, unknown>>> {
  if (sort === "name" && order === "asc") return agentsByName({ ...page, state, prefix }, principal);
  const agents = (await fleet.agents()).filter((view) => isWanted(view, state, prefix));
  return orderedPage(agents, { sort, order }, page, agentJson);
}

export interface AgentsByName extends PageRequest {
  readonly state: AgentView["state"] | undefined;
  /** The beginning of a name; empty for all. */
  readonly prefix: string;
}

/** A page in order of name, which costs what it reads. */
export function agentsByName(
  { state, prefix, ...page }: AgentsByName,
  principal: Pick<Principal, "agents">,
): Promise<PageJson<Record<string, unknown>>> {
  return scanPage(page, {
    read: (request) => principal.agents(request),
    cursor: ({ name }) => name,
    judge: (view) => {
      if (isWanted(view, state, prefix)) return "take";
      return view.name > prefix && !view.name.startsWith(prefix) ? "end" : "skip";
    },
    start: justBefore(prefix),
    json: agentJson,
  });
}

function isWanted(view: AgentView, state: AgentView["state"] | undefined, prefix: string): boolean {
  return (state === undefined || view.state === state) && view.name.startsWith(prefix);
}

/** Behind all names in front of those with this prefix: `~` is above every character of a name. */
function justBefore(prefix: string): string | undefined {
  if (prefix === "") return undefined;
  const code = prefix.charCodeAt(prefix.length - 1);
  return `${prefix.slice(0, -1)}${String.fromCharCode(code - 1)}~`;
}

interface AgentOrder {
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
function orderedPage<Json>(
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
