import type { Resources } from "@hawser/principal";
import { HawserError, type JsonValue } from "@hawser/protocol";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { about } from "../openapi/api-schema.js";
import { operation, type Operation } from "../openapi/operation.js";
import { entityTag, parsePrecondition, underPrecondition } from "../http/preconditions.js";
import { DRY_RUN_QUERY, PUT_QUERY } from "../http/query.js";
import { TRACE_HEADERS, traceOf } from "../http/request-trace.js";
import { listResources, RESOURCES_QUERY } from "./resource-list.js";
import { pathParameter, route } from "./routes.js";
import { resourceJson } from "./view-json.js";
import { DeleteResult, page, PutResult, Resource } from "../openapi/view-schemas.js";

const PutBody = z.strictObject({
  // Came out of JSON.parse, so anything that is there is JSON.
  spec: about(
    "What is wanted: any JSON.",
    z.custom<JsonValue>((value) => value !== undefined, "is missing"),
  ),
});
const ResourcePage = page("ResourcePage", Resource);

const IF_MATCH = 'The version that must be there, as its entity tag (`"42"`), or `*`: it must exist.';
const ETAG = { etag: "The version of the spec." };
const READ_ERRORS = ["invalid_agent_name", "store_unavailable"] as const;
const CHANGE_ERRORS = [
  ...READ_ERRORS,
  "agent_removed",
  "invalid_event",
  "conflict",
  ["conflict", 412],
  "event_too_large",
  "mailbox_full",
  "store_full",
] as const;

/** Resources of an agent: what is wanted, and what the agent made of it. */
export function resourceRoutes(app: Hono, resources: Resources): void {
  route(app, "/v1/agents/:agent/resources", {
    GET: operation(
      {
        id: "listResources",
        tag: "Resources",
        summary: "List the resources of an agent",
        description: "In order of kind and name; empty for an agent that is not known.",
        query: RESOURCES_QUERY,
        answers: {
          200: { description: "A page of resources.", content: { "application/json": ResourcePage } },
        },
        errors: READ_ERRORS,
      },
      async (context, { query }) =>
        context.json(await listResources(resources, pathParameter(context, "agent"), query)),
    ),
  });

  route(app, "/v1/agents/:agent/resources/:kind/:name", {
    GET: getResource(resources),
    PUT: putResource(resources),
    DELETE: deleteResource(resources),
  });
}

function getResource(resources: Resources): Operation {
  return operation(
    {
      id: "getResource",
      tag: "Resources",
      summary: "Show a resource",
      answers: {
        200: { description: "The resource.", content: { "application/json": Resource }, headers: ETAG },
      },
      errors: [...READ_ERRORS, "not_found"],
    },
    async (context) => {
      const { agent, kind, name } = target(context);
      const view = await resources.get(agent, kind, name);
      if (view === undefined) throw notFound(agent, kind, name);
      return Response.json(resourceJson(view), { headers: { etag: entityTag(view) } });
    },
  );
}

function putResource(resources: Resources): Operation {
  return operation(
    {
      id: "putResource",
      tag: "Resources",
      summary: "Create or change a resource",
      description:
        "Answers once it is on disk. An equal spec keeps its version, unless it is forced. A dry run has no entity tag.",
      query: PUT_QUERY,
      headers: { "If-Match": IF_MATCH, "If-None-Match": "`*`: it must not exist.", ...TRACE_HEADERS },
      body: {
        schema: PutBody,
        hint: 'send {"spec": ...}',
        example: { spec: { path: "web.conf", content: "port 80" } },
      },
      answers: {
        200: {
          description: "Changed, or as it was.",
          content: { "application/json": PutResult },
          headers: ETAG,
        },
        201: { description: "Created.", content: { "application/json": PutResult }, headers: ETAG },
      },
      errors: CHANGE_ERRORS,
    },
    async (context, { query: { dryRun, force }, body: { spec } }) => {
      const { agent, kind, name } = target(context);
      const { headers } = context.req.raw;
      const { resource, created, changed } = await underPrecondition(
        parsePrecondition(headers),
        () => resources.get(agent, kind, name),
        (options) =>
          resources.put(agent, kind, name, spec, { ...options, ...traceOf(headers), dryRun, force }),
      );
      const result = created ? "created" : changed ? "updated" : "unchanged";
      const answer = { ...resourceJson(resource), result };
      if (dryRun) return context.json({ ...answer, dryRun });
      return Response.json(answer, {
        status: created ? 201 : 200,
        headers: { etag: entityTag(resource) },
      });
    },
  );
}

function deleteResource(resources: Resources): Operation {
  return operation(
    {
      id: "deleteResource",
      tag: "Resources",
      summary: "Delete a resource",
      query: DRY_RUN_QUERY,
      headers: { "If-Match": IF_MATCH, ...TRACE_HEADERS },
      answers: {
        200: { description: "A dry run.", content: { "application/json": DeleteResult } },
        202: {
          description: "Gone once the agent has acknowledged.",
          content: { "application/json": DeleteResult },
          headers: ETAG,
        },
      },
      errors: [...CHANGE_ERRORS, "not_found"],
    },
    async (context, { query: { dryRun } }) => {
      const { agent, kind, name } = target(context);
      const { headers } = context.req.raw;
      const precondition = parsePrecondition(headers);
      if (precondition.kind === "absent") {
        throw new HawserError("invalid_message", "If-None-Match: * makes no sense with DELETE");
      }
      const view = await underPrecondition(
        precondition,
        () => resources.get(agent, kind, name),
        (options) => resources.delete(agent, kind, name, { ...options, ...traceOf(headers), dryRun }),
      );
      if (view === undefined) throw notFound(agent, kind, name);
      if (dryRun) return context.json({ ...resourceJson(view), dryRun });
      return Response.json(resourceJson(view), { status: 202, headers: { etag: entityTag(view) } });
    },
  );
}

function target(context: Context): { agent: string; kind: string; name: string } {
  return {
    agent: pathParameter(context, "agent"),
    kind: pathParameter(context, "kind"),
    name: pathParameter(context, "name"),
  };
}

function notFound(agent: string, kind: string, name: string): HawserError {
  return new HawserError("not_found", `agent ${agent} has no resource ${kind}/${name}`, { agent });
}
