import { HawserError } from "@hawser/protocol";
import type { Principal } from "../principal.js";
import type { AgentView } from "../views.js";
import { AGENT_SORTS, ORDERS, orderedPage } from "./agent-order.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import { parseChoice, parsePage, type PageJson } from "./paging.js";
import { scanPage } from "./scan-page.js";
import { agentJson } from "./view-json.js";

const STATES = ["connected", "disconnected"] as const;
const NAME_PREFIX = /^[a-z0-9][a-z0-9.-]{0,127}$/;

/** A page of agents as the query asks for it. In order of name it costs what it reads; in any other, one walk through all agents a second at most. */
export async function listAgents(
  query: URLSearchParams,
  principal: Pick<Principal, "agents">,
  fleet: FleetSnapshot,
): Promise<PageJson<Record<string, unknown>>> {
  const page = parsePage(query, ["state", "name", "sort", "order"]);
  const state = parseChoice(query, "state", STATES);
  const prefix = parsePrefix(query.get("name"));
  const sort = parseChoice(query, "sort", AGENT_SORTS) ?? "name";
  const order = parseChoice(query, "order", ORDERS) ?? "asc";
  const wanted = (view: AgentView): boolean =>
    (state === undefined || view.state === state) && view.name.startsWith(prefix);
  if (sort !== "name" || order !== "asc") {
    const agents = (await fleet.agents()).filter(wanted);
    return orderedPage(agents, { sort, order }, page, agentJson);
  }
  return scanPage(page, {
    read: (request) => principal.agents(request),
    cursor: ({ name }) => name,
    judge: (view) => {
      if (wanted(view)) return "take";
      return view.name > prefix && !view.name.startsWith(prefix) ? "end" : "skip";
    },
    start: justBefore(prefix),
    json: agentJson,
  });
}

function parsePrefix(text: string | null): string {
  if (text === null || NAME_PREFIX.test(text)) return text ?? "";
  throw new HawserError("invalid_message", "name must be the beginning of a name: a-z, 0-9, . and -");
}

/** Behind all names in front of those with this prefix: `~` is above every character of a name. */
function justBefore(prefix: string): string | undefined {
  if (prefix === "") return undefined;
  const code = prefix.charCodeAt(prefix.length - 1);
  return `${prefix.slice(0, -1)}${String.fromCharCode(code - 1)}~`;
}
