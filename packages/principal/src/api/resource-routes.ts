import { HawserError, type JsonValue } from "@hawser/protocol";
import type { Context, Hono } from "hono";
import { z } from "zod";
import type { Resources } from "../principal.js";
import { allowQuery, parseChoice } from "./paging.js";
import { entityTag, parsePrecondition, underPrecondition } from "./preconditions.js";
import { listResources } from "./resource-list.js";
import { decodeText, parseJson, readBody } from "./request-body.js";
import { pathParameter, queryOf, route } from "./routes.js";
import { resourceJson } from "./view-json.js";

const PutBody = z.strictObject({
  // Came out of JSON.parse, so anything that is there is JSON.
  spec: z.custom<JsonValue>((value) => value !== undefined, "is missing"),
});

/** Resources of an agent: what is wanted, and what the agent made of it. */
export function resourceRoutes(app: Hono, resources: Resources): void {
  route(app, "/v1/agents/:agent/resources", {
    GET: async (context) => {
      const query = queryOf(context);
      return context.json(await listResources(resources, pathParameter(context, "agent"), query));
    },
  });

  route(app, "/v1/agents/:agent/resources/:kind/:name", {
    GET: async (context) => {
      const { agent, kind, name } = target(context);
      const view = await resources.get(agent, kind, name);
      if (view === undefined) throw notFound(agent, kind, name);
      return Response.json(resourceJson(view), { headers: { etag: entityTag(view) } });
    },
    PUT: async (context) => {
      const { agent, kind, name } = target(context);
      const dryRun = parseDryRun(context);
      const precondition = parsePrecondition(context.req.raw.headers);
      const spec = parsePutBody(await readBody(context.req.raw));
      const { resource, created, changed } = await underPrecondition(
        precondition,
        () => resources.get(agent, kind, name),
        (options) => resources.put(agent, kind, name, spec, { ...options, dryRun }),
      );
      const result = created ? "created" : changed ? "updated" : "unchanged";
      const answer = { ...resourceJson(resource), result };
      if (dryRun) return context.json({ ...answer, dryRun });
      return Response.json(answer, {
        status: created ? 201 : 200,
        headers: { etag: entityTag(resource) },
      });
    },
    DELETE: async (context) => {
      const { agent, kind, name } = target(context);
      const dryRun = parseDryRun(context);
      const precondition = parsePrecondition(context.req.raw.headers);
      if (precondition.kind === "absent") {
        throw new HawserError("invalid_message", "If-None-Match: * makes no sense with DELETE");
      }
      const view = await underPrecondition(
        precondition,
        () => resources.get(agent, kind, name),
        (options) => resources.delete(agent, kind, name, { ...options, dryRun }),
      );
      if (view === undefined) throw notFound(agent, kind, name);
      if (dryRun) return context.json({ ...resourceJson(view), dryRun });
      return Response.json(resourceJson(view), { status: 202, headers: { etag: entityTag(view) } });
    },
  });
}

function target(context: Context): { agent: string; kind: string; name: string } {
  return {
    agent: pathParameter(context, "agent"),
    kind: pathParameter(context, "kind"),
    name: pathParameter(context, "name"),
  };
}

function parseDryRun(context: Context): boolean {
  const query = queryOf(context);
  allowQuery(query, ["dryRun"]);
  return parseChoice(query, "dryRun", ["true", "false"]) === "true";
}

function parsePutBody(body: Uint8Array): JsonValue {
  const parsed = PutBody.safeParse(parseJson(decodeText(body, "invalid_message"), "invalid_message"));
  if (parsed.success) return parsed.data.spec;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the body" : `field ${issue.path.join(".")}`;
  throw new HawserError(
    "invalid_message",
    `${where} is wrong: ${issue?.message ?? "not as expected"}; send {"spec": ...}`,
  );
}

function notFound(agent: string, kind: string, name: string): HawserError {
  return new HawserError("not_found", `agent ${agent} has no resource ${kind}/${name}`, { agent });
}
