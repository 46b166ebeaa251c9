import { HawserError } from "@hawser/protocol";
import type { Hono } from "hono";
import type { Principal } from "../principal.js";
import type { AgentView } from "../views.js";
import { parsePage, readPage, type PageJson, type PageRequest } from "./paging.js";
import { pathParameter, queryOf, route } from "./routes.js";
import { agentJson, deadLetterJson } from "./view-json.js";

type AgentState = AgentView["state"];
const STATES: readonly AgentState[] = ["connected", "disconnected"];

/** Agents read at a time while looking for those in one state. */
const SCAN_PAGE = 500;
/** Agents looked at for one answer. Beyond, the page ends early and `next` goes on behind them, so that no request holds the store for long. */
const MAX_SCANNED = 5_000;

/** Agents, and the events they refused. */
export function agentRoutes(
  app: Hono,
  principal: Pick<Principal, "agents" | "agent" | "deadLetters" | "requeue" | "discardDeadLetter">,
): void {
  route(app, "/v1/agents", {
    GET: async (context) => {
      const query = queryOf(context);
      const page = parsePage(query, ["state"]);
      const state = parseState(query.get("state"));
      return context.json(
        state === undefined
          ? await readPage(
              page,
              (request) => principal.agents(request),
              ({ name }) => name,
              agentJson,
            )
          : await agentsInState(principal, state, page),
      );
    },
  });

  route(app, "/v1/agents/:agent", {
    GET: async (context) => {
      const name = pathParameter(context, "agent");
      const view = await principal.agent(name);
      if (view !== undefined) return context.json(agentJson(view));
      throw new HawserError("not_found", `agent ${name} has never connected, and nothing was sent to it`, {
        agent: name,
      });
    },
  });

  route(app, "/v1/agents/:agent/dead-letters", {
    GET: async (context) => {
      const agent = pathParameter(context, "agent");
      const page = await readPage(
        parsePage(queryOf(context)),
        (request) => principal.deadLetters(agent, request),
        ({ eventid }) => eventid,
        deadLetterJson,
      );
      return context.json(page);
    },
  });

  route(app, "/v1/agents/:agent/dead-letters/:eventid", {
    DELETE: async (context) => {
      await principal.discardDeadLetter(pathParameter(context, "agent"), pathParameter(context, "eventid"));
      return context.body(null, 204);
    },
  });

  route(app, "/v1/agents/:agent/dead-letters/:eventid/requeue", {
    POST: async (context) => {
      const accepted = await principal.requeue(
        pathParameter(context, "agent"),
        pathParameter(context, "eventid"),
      );
      const { resourceid, eventid, duplicate } = accepted;
      return context.json({ resourceid, eventid, duplicate }, 202);
    },
  });
}

function parseState(text: string | null): AgentState | undefined {
  if (text === null) return undefined;
  const state = STATES.find((known) => known === text);
  if (state !== undefined) return state;
  throw new HawserError("invalid_message", `state must be ${STATES.join(" or ")}`);
}

async function agentsInState(
  principal: Pick<Principal, "agents">,
  state: AgentState,
  { limit, after }: PageRequest,
): Promise<PageJson<Record<string, unknown>>> {
  const items: Record<string, unknown>[] = [];
  let last = after;
  for (let scanned = 0; scanned < MAX_SCANNED; scanned += SCAN_PAGE) {
    const views = await principal.agents({
      limit: SCAN_PAGE,
      ...(last === undefined ? {} : { after: last }),
    });
    for (const view of views) {
      if (view.state === state) {
        if (items.length === limit) return { items, next: last ?? null };
        items.push(agentJson(view));
      }
      last = view.name;
    }
    if (views.length < SCAN_PAGE) return { items, next: null };
  }
  return { items, next: last ?? null };
}
