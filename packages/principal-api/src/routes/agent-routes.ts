import type { Principal, PurgePendingOptions } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import type { Hono } from "hono";
import { z } from "zod";
import { AGENTS_QUERY, listAgents } from "./agent-list.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import { operation } from "../openapi/operation.js";
import { readPage } from "../http/paging.js";
import { PAGE_QUERY, REMOVE_QUERY, RESOURCE_QUERY } from "../http/query.js";
import { pathParameter, route } from "./routes.js";
import { agentJson, deadLetterJson, removedAgentJson } from "./view-json.js";
import { Accepted, Agent, DeadLetter, page, PurgeReport, RemovedAgent } from "../openapi/view-schemas.js";

const AgentPage = page("AgentPage", Agent);
const RemovedAgentPage = page("RemovedAgentPage", RemovedAgent);
const DeadLetterPage = page("DeadLetterPage", DeadLetter);
const READ_ERRORS = ["store_unavailable"] as const;
const WRITE_ERRORS = ["invalid_agent_name", "not_found", "store_full", "store_unavailable"] as const;

/** Agents, and the events they refused. */
export function agentRoutes(
  app: Hono,
  principal: Pick<
    Principal,
    | "agents"
    | "agent"
    | "removeAgent"
    | "deadLetters"
    | "requeue"
    | "discardDeadLetter"
    | "purgePending"
    | "readmitAgent"
    | "removedAgents"
  >,
  fleet: FleetSnapshot,
): void {
  route(app, "/v1/agents", {
    GET: operation(
      {
        id: "listAgents",
        tag: "Agents",
        summary: "List agents",
        description:
          "Agents with a session or a mailbox. In order of name a page costs what it reads; any other order walks through all agents, once a second at most.",
        query: AGENTS_QUERY,
        answers: { 200: { description: "A page of agents.", content: { "application/json": AgentPage } } },
        errors: [...READ_ERRORS, "overloaded"],
      },
      async (context, { query }) => context.json(await listAgents(query, principal, fleet)),
    ),
  });

  route(app, "/v1/agents/:agent", {
    GET: operation(
      {
        id: "getAgent",
        tag: "Agents",
        summary: "Show an agent",
        answers: { 200: { description: "The agent.", content: { "application/json": Agent } } },
        errors: [...READ_ERRORS, "invalid_agent_name", "not_found"],
      },
      async (context) => {
        const name = pathParameter(context, "agent");
        const view = await principal.agent(name);
        if (view !== undefined) return context.json(agentJson(view));
        const what = `agent ${name} has never connected, and nothing was sent to it, or it was removed`;
        throw new HawserError("not_found", what, { agent: name });
      },
    ),
    DELETE: operation(
      {
        id: "removeAgent",
        tag: "Agents",
        summary: "Remove an agent",
        description:
          "Forgets it for good: its session ends, and its mailbox, resources and dead letters go. Its machine keeps what it has. If it comes back, it is refused until it is readmitted; without a tombstone it begins anew.",
        query: REMOVE_QUERY,
        answers: { 204: { description: "Nothing is kept for this name any more, and its room is free." } },
        errors: [...WRITE_ERRORS, "conflict"],
      },
      async (context, { query: { force, tombstone } }) => {
        await principal.removeAgent(pathParameter(context, "agent"), { force, tombstone });
        return context.body(null, 204);
      },
    ),
  });

  route(app, "/v1/removed-agents", {
    GET: operation(
      {
        id: "listRemovedAgents",
        tag: "Agents",
        summary: "List removed agents",
        description: "Those that are refused when they come back, in order of name.",
        query: z.object(PAGE_QUERY),
        answers: {
          200: { description: "A page of them.", content: { "application/json": RemovedAgentPage } },
        },
        errors: READ_ERRORS,
      },
      async (context, { query }) => {
        const found = await readPage(
          { limit: query.limit, after: query.after },
          (request) => principal.removedAgents(request),
          ({ name }) => name,
          removedAgentJson,
        );
        return context.json(found);
      },
    ),
  });

  route(app, "/v1/removed-agents/:agent", {
    DELETE: operation(
      {
        id: "readmitAgent",
        tag: "Agents",
        summary: "Let a removed agent in again",
        description: "It begins anew: nothing of it was kept.",
        answers: { 204: { description: "Its name is like any other from now on." } },
        errors: WRITE_ERRORS,
      },
      async (context) => {
        await principal.readmitAgent(pathParameter(context, "agent"));
        return context.body(null, 204);
      },
    ),
  });

  route(app, "/v1/agents/:agent/pending", {
    DELETE: operation(
      {
        id: "purgePending",
        tag: "Agents",
        summary: "Throw pending events away",
        description:
          "All that is pending for the agent, or what of it is about one resource: its specs, deletes and commands. Dead letters stay. A purged spec stays the spec of its resource, which is sent again by an equal PUT; a purged delete gives its resource up. Events that were sent already the agent may apply all the same.",
        query: RESOURCE_QUERY,
        answers: {
          200: {
            description: "They are off the disk, and their room in the mailbox is free.",
            content: { "application/json": PurgeReport },
          },
        },
        errors: [...WRITE_ERRORS, "invalid_event"],
      },
      async (context, { query }) => {
        const { purged, inFlight, left } = await principal.purgePending(
          pathParameter(context, "agent"),
          resourceOf(query),
        );
        return context.json({ purged, inFlight, left });
      },
    ),
  });

  route(app, "/v1/agents/:agent/dead-letters", {
    GET: operation(
      {
        id: "listDeadLetters",
        tag: "Agents",
        summary: "List dead letters",
        description: "Events that the agent refused for good, and those that expired.",
        query: z.object(PAGE_QUERY),
        answers: {
          200: { description: "A page of dead letters.", content: { "application/json": DeadLetterPage } },
        },
        errors: [...READ_ERRORS, "invalid_agent_name"],
      },
      async (context, { query }) => {
        const agent = pathParameter(context, "agent");
        const found = await readPage(
          { limit: query.limit, after: query.after },
          (request) => principal.deadLetters(agent, request),
          ({ eventid }) => eventid,
          deadLetterJson,
        );
        return context.json(found);
      },
    ),
  });

  route(app, "/v1/agents/:agent/dead-letters/:eventid", {
    DELETE: operation(
      {
        id: "discardDeadLetter",
        tag: "Agents",
        summary: "Throw a dead letter away",
        answers: { 204: { description: "Gone from the disk, and its room in the mailbox free." } },
        errors: WRITE_ERRORS,
      },
      async (context) => {
        const eventid = pathParameter(context, "eventid");
        await principal.discardDeadLetter(pathParameter(context, "agent"), eventid);
        return context.body(null, 204);
      },
    ),
  });

  route(app, "/v1/agents/:agent/dead-letters/:eventid/requeue", {
    POST: operation(
      {
        id: "requeueDeadLetter",
        tag: "Agents",
        summary: "Send a dead letter again",
        description: "As a new version.",
        answers: { 202: { description: "On disk again.", content: { "application/json": Accepted } } },
        errors: [...WRITE_ERRORS, "conflict", "mailbox_full"],
      },
      async (context) => {
        const accepted = await principal.requeue(
          pathParameter(context, "agent"),
          pathParameter(context, "eventid"),
        );
        const { resourceid, eventid, duplicate } = accepted;
        return context.json({ resourceid, eventid, duplicate }, 202);
      },
    ),
  });
}

// Half of a name would purge more than whoever asks for it wants to lose.
function resourceOf({ kind, name }: z.infer<typeof RESOURCE_QUERY>): PurgePendingOptions {
  if (kind === undefined && name === undefined) return {};
  if (kind !== undefined && name !== undefined) return { resource: { kind, name } };
  throw new HawserError(
    "invalid_message",
    "query parameters kind and name name a resource together; give both, or none",
  );
}
