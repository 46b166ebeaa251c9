import type { AgentView, Principal } from "@hawser/principal";
import { z } from "zod";
import { about } from "../openapi/api-schema.js";
import { AGENT_SORTS, ORDERS, orderedPage } from "./agent-order.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import type { PageJson, PageRequest } from "../http/paging.js";
import { choice, PAGE_QUERY } from "../http/query.js";
import { scanPage } from "../http/scan-page.js";
import { agentJson } from "./view-json.js";
import { AGENT_STATES } from "../openapi/view-schemas.js";

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
  { limit, after, state, name: prefix = "", sort, order }: z.output<typeof AGENTS_QUERY>,
  principal: Pick<Principal, "agents">,
  fleet: FleetSnapshot,
): Promise<PageJson<Record<string, unknown>>> {
  const page = { limit, after };
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
