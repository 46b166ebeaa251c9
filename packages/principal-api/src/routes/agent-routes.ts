import type { Page, Principal, PurgePendingOptions } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { z } from "zod";
import { AGENTS_QUERY, listAgents } from "./agent-list.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import { json } from "../openapi/operation.js";
import { readPage } from "../http/paging.js";
import { PAGE_QUERY, REMOVE_QUERY, RESOURCE_QUERY } from "../http/query.js";
import type { Serve } from "./routes.js";
import { agentJson, deadLetterJson, removedAgentJson } from "./view-json.js";
import { Accepted, Agent, DeadLetter, page, PurgeReport, RemovedAgent } from "../openapi/view-schemas.js";

const AgentPage = page("AgentPage", Agent);
const RemovedAgentPage = page("RemovedAgentPage", RemovedAgent);
const DeadLetterPage = page("DeadLetterPage", DeadLetter);
const READ_ERRORS = ["store_unavailable"] as const;
const WRITE_ERRORS = ["invalid_agent_name", "not_found", "store_full", "store_unavailable"] as const;

type AgentParts = Pick<
  Principal,
  "agents" | "agent" | "removeAgent" | "purgePending" | "readmitAgent" | "removedAgents"
>;
type DeadLetterParts = Pick<Principal, "deadLetters" | "requeue" | "discardDeadLetter">;

/** Agents, and the events they refused. */
export function agentRoutes(
  serve: Serve,
  principal: AgentParts & DeadLetterParts,
  fleet: FleetSnapshot,
): void {
  serve("GET", "/v1/agents", {
    id: "listAgents",
    summary: "List agents",
    description:
      "Agents with a session or a mailbox. In order of name a page costs what it reads; any other order walks through all agents, once a second at most.",
    query: AGENTS_QUERY,
    answers: { 200: json("A page of agents.", AgentPage) },
    errors: [...READ_ERRORS, "overloaded"],
    handle: async (context, { query }) => context.json(await listAgents(query, principal, fleet)),
  });
  oneAgentRoutes(serve, principal);
  removedAgentRoutes(serve, principal);
  pendingRoutes(serve, principal);
  deadLetterRoutes(serve, principal);
}

function oneAgentRoutes(serve: Serve, principal: AgentParts): void {
  serve("GET", "/v1/agents/:agent", {
    id: "getAgent",
    summary: "Show an agent",
    answers: { 200: json("The agent.", Agent) },
    errors: [...READ_ERRORS, "invalid_agent_name", "not_found"],
    handle: async (context, { path: { agent } }) => {
      const view = await principal.agent(agent);
      if (view !== undefined) return context.json(agentJson(view));
      const what = `agent ${agent} has never connected, and nothing was sent to it, or it was removed`;
      throw new HawserError("not_found", what, { agent });
    },
  });

  serve("DELETE", "/v1/agents/:agent", {
    id: "removeAgent",
    summary: "Remove an agent",
    description:
      "Forgets it for good: its session ends, and its mailbox, resources and dead letters go. Its machine keeps what it has. If it comes back, it is refused until it is readmitted; without a tombstone it begins anew.",
    query: REMOVE_QUERY,
    answers: { 204: { description: "Nothing is kept for this name any more, and its room is free." } },
    errors: [...WRITE_ERRORS, "conflict"],
    handle: async (context, { path: { agent }, query }) => {
      await principal.removeAgent(agent, query);
      return context.body(null, 204);
    },
  });
}

function removedAgentRoutes(serve: Serve, principal: AgentParts): void {
  serve("GET", "/v1/removed-agents", {
    id: "listRemovedAgents",
    summary: "List removed agents",
    description: "Those that are refused when they come back, in order of name.",
    query: z.object(PAGE_QUERY),
    answers: { 200: json("A page of them.", RemovedAgentPage) },
    errors: READ_ERRORS,
    handle: async (context, { query }) => {
      const read = (request: Page) => principal.removedAgents(request);
      return context.json(await readPage(query, read, ({ name }) => name, removedAgentJson));
    },
  });

  serve("DELETE", "/v1/removed-agents/:agent", {
    id: "readmitAgent",
    summary: "Let a removed agent in again",
    description: "It begins anew: nothing of it was kept.",
    answers: { 204: { description: "Its name is like any other from now on." } },
    errors: WRITE_ERRORS,
    handle: async (context, { path: { agent } }) => {
      await principal.readmitAgent(agent);
      return context.body(null, 204);
    },
  });
}

function pendingRoutes(serve: Serve, principal: AgentParts): void {
  serve("DELETE", "/v1/agents/:agent/pending", {
    id: "purgePending",
    summary: "Throw pending events away",
    description:
      "All that is pending for the agent, or what of it is about one resource: its specs, deletes and commands. Dead letters stay. A purged spec stays the spec of its resource, which is sent again by an equal PUT; a purged delete gives its resource up. Events that were sent already the agent may apply all the same.",
    query: RESOURCE_QUERY,
    answers: { 200: json("They are off the disk, and their room in the mailbox is free.", PurgeReport) },
    errors: [...WRITE_ERRORS, "invalid_event"],
    handle: async (context, { path: { agent }, query }) => {
      const { purged, inFlight, left } = await principal.purgePending(agent, resourceOf(query));
      return context.json({ purged, inFlight, left });
    },
  });
}

function deadLetterRoutes(serve: Serve, principal: DeadLetterParts): void {
  serve("GET", "/v1/agents/:agent/dead-letters", {
    id: "listDeadLetters",
    summary: "List dead letters",
    description: "Events that the agent refused for good, and those that expired.",
    query: z.object(PAGE_QUERY),
    answers: { 200: json("A page of dead letters.", DeadLetterPage) },
    errors: [...READ_ERRORS, "invalid_agent_name"],
    handle: async (context, { path: { agent }, query }) => {
      const read = (request: Page) => principal.deadLetters(agent, request);
      return context.json(await readPage(query, read, ({ eventid }) => eventid, deadLetterJson));
    },
  });

  serve("DELETE", "/v1/agents/:agent/dead-letters/:eventid", {
    id: "discardDeadLetter",
    summary: "Throw a dead letter away",
    answers: { 204: { description: "Gone from the disk, and its room in the mailbox free." } },
    errors: WRITE_ERRORS,
    handle: async (context, { path: { agent, eventid } }) => {
      await principal.discardDeadLetter(agent, eventid);
      return context.body(null, 204);
    },
  });

  serve("POST", "/v1/agents/:agent/dead-letters/:eventid/requeue", {
    id: "requeueDeadLetter",
    summary: "Send a dead letter again",
    description: "As a new version.",
    answers: { 202: json("On disk again.", Accepted) },
    errors: [...WRITE_ERRORS, "conflict", "mailbox_full"],
    handle: async (context, { path }) => {
      const { resourceid, eventid, duplicate } = await principal.requeue(path.agent, path.eventid);
      return context.json({ resourceid, eventid, duplicate }, 202);
    },
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
