import { HawserError } from "@hawser/protocol";
import type { Hono } from "hono";
import type { Principal } from "../principal.js";
import { listAgents } from "./agent-list.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import { parsePage, readPage } from "./paging.js";
import { pathParameter, queryOf, route } from "./routes.js";
import { agentJson, deadLetterJson } from "./view-json.js";

/** Agents, and the events they refused. */
export function agentRoutes(
  app: Hono,
  principal: Pick<Principal, "agents" | "agent" | "deadLetters" | "requeue" | "discardDeadLetter">,
  fleet: FleetSnapshot,
): void {
  route(app, "/v1/agents", {
    GET: async (context) => context.json(await listAgents(queryOf(context), principal, fleet)),
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
