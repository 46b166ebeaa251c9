import type { Resources } from "@hawser/principal";
import { HawserError, type JsonValue } from "@hawser/protocol";
import { z } from "zod";
import { about } from "../openapi/api-schema.js";
import { json } from "../openapi/operation.js";
import { entityTag, parsePrecondition, underPrecondition } from "../http/preconditions.js";
import { scanPage, type PageJson } from "../http/paging.js";
import { choice, DRY_RUN_QUERY, PAGE_QUERY, PUT_QUERY } from "../http/query.js";
import { TRACE_HEADERS, traceOf } from "../http/request.js";
import type { Serve } from "./routes.js";
import { resourceJson } from "./view-json.js";
import { DeleteResult, page, PutResult, Resource, RESOURCE_STATES } from "../openapi/view-schemas.js";

const PutBody = z.strictObject({
  // Came out of JSON.parse, so anything that is there is JSON.
  spec: about(
    "What is wanted: any JSON.",
    z.custom<JsonValue>((value) => value !== undefined, "is missing"),
  ),
});
const RESOURCE_PATH = "/v1/agents/:agent/resources/:kind/:name";
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

const RESOURCES_QUERY = z.object({
  ...PAGE_QUERY,
  kind: about(
    "Only resources of this kind.",
    z
      .string()
      .regex(/^[^/]+$/, "must be the name of a kind, such as ConfigFile")
      .optional(),
  ),
  state: about("Only resources in this state.", choice(RESOURCE_STATES).optional()),
});

/** Resources of an agent: what is wanted, and what the agent made of it. */
export function resourceRoutes(serve: Serve, resources: Resources): void {
  serve("GET", "/v1/agents/:agent/resources", {
    id: "listResources",
    summary: "List the resources of an agent",
    description: "In order of kind and name; empty for an agent that is not known.",
    query: RESOURCES_QUERY,
    answers: { 200: json("A page of resources.", ResourcePage) },
    errors: READ_ERRORS,
    handle: async (context, { path: { agent }, query }) =>
      context.json(await listResources(resources, agent, query)),
  });
  serve("GET", RESOURCE_PATH, {
    id: "getResource",
    summary: "Show a resource",
    answers: { 200: json("The resource.", Resource, ETAG) },
    errors: [...READ_ERRORS, "not_found"],
    handle: async (_context, { path }) => {
      const view = await resources.get(path.agent, path.kind, path.name);
      if (view === undefined) throw notFound(path);
      return Response.json(resourceJson(view), { headers: { etag: entityTag(view) } });
    },
  });
  putResource(serve, resources);
  deleteResource(serve, resources);
}

function putResource(serve: Serve, resources: Resources): void {
  serve("PUT", RESOURCE_PATH, {
    id: "putResource",
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
      200: json("Changed, or as it was.", PutResult, ETAG),
      201: json("Created.", PutResult, ETAG),
    },
    errors: CHANGE_ERRORS,
    handle: async (context, { path: { agent, kind, name }, query, body: { spec } }) => {
      const { headers } = context.req.raw;
      const { resource, created, changed } = await underPrecondition(
        parsePrecondition(headers),
        () => resources.get(agent, kind, name),
        (options) => resources.put(agent, kind, name, spec, { ...options, ...traceOf(headers), ...query }),
      );
      const result = created ? "created" : changed ? "updated" : "unchanged";
      const answer = { ...resourceJson(resource), result };
      if (query.dryRun) return context.json({ ...answer, dryRun: true });
      const etag = entityTag(resource);
      return Response.json(answer, { status: created ? 201 : 200, headers: { etag } });
    },
  });
}

function deleteResource(serve: Serve, resources: Resources): void {
  serve("DELETE", RESOURCE_PATH, {
    id: "deleteResource",
    summary: "Delete a resource",
    query: DRY_RUN_QUERY,
    headers: { "If-Match": IF_MATCH, ...TRACE_HEADERS },
    answers: {
      200: json("A dry run.", DeleteResult),
      202: json("Gone once the agent has acknowledged.", DeleteResult, ETAG),
    },
    errors: [...CHANGE_ERRORS, "not_found"],
    handle: async (context, { path, query: { dryRun } }) => {
      const { agent, kind, name } = path;
      const { headers } = context.req.raw;
      const precondition = parsePrecondition(headers);
      if (precondition.kind === "absent")
        throw new HawserError("invalid_message", "If-None-Match: * makes no sense with DELETE");
      const view = await underPrecondition(
        precondition,
        () => resources.get(agent, kind, name),
        (options) => resources.delete(agent, kind, name, { ...options, ...traceOf(headers), dryRun }),
      );
      if (view === undefined) throw notFound(path);
      if (dryRun) return context.json({ ...resourceJson(view), dryRun });
      return Response.json(resourceJson(view), { status: 202, headers: { etag: entityTag(view) } });
    },
  });
}

/** A page of the resources of an agent as the query asks for it. With `kind`, nothing but that kind is read. */
async function listResources(
  resources: Resources,
  agent: string,
  { kind, state, ...page }: z.output<typeof RESOURCES_QUERY>,
): Promise<PageJson<Record<string, unknown>>> {
  return scanPage(page, {
    read: (request) => resources.list(agent, request),
    cursor: (view) => `${view.kind}/${view.name}`,
    judge: (view) => {
      if (kind !== undefined && view.kind !== kind) return "end";
      return state === undefined || view.state === state ? "take" : "skip";
    },
    // Resources are in order of `<kind>/<name>`, so all of one kind lie behind its slash.
    start: kind === undefined ? undefined : `${kind}/`,
    json: resourceJson,
  });
}

function notFound({ agent, kind, name }: Readonly<Record<"agent" | "kind" | "name", string>>): HawserError {
  return new HawserError("not_found", `agent ${agent} has no resource ${kind}/${name}`, { agent });
}
