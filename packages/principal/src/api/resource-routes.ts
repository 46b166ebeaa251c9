import { HawserError, type JsonValue } from "@hawser/protocol";
import type { Context, Hono } from "hono";
import { z } from "zod";
import type { Resources } from "../principal.js";
import { parsePage, readPage } from "./paging.js";
import { entityTag, parsePrecondition, underPrecondition } from "./preconditions.js";
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
      const agent = pathParameter(context, "agent");
      const page = await readPage(
        parsePage(queryOf(context)),
        (request) => resources.list(agent, request),
        ({ kind, name }) => `${kind}/${name}`,
        resourceJson,
      );
      return context.json(page);
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
      const precondition = parsePrecondition(context.req.raw.headers);
      const spec = parsePutBody(await readBody(context.req.raw));
      const { resource, created } = await underPrecondition(
        precondition,
        () => resources.get(agent, kind, name),
        (options) => resources.put(agent, kind, name, spec, options),
      );
      return Response.json(resourceJson(resource), {
        status: created ? 201 : 200,
        headers: { etag: entityTag(resource) },
      });
    },
    DELETE: async (context) => {
      const { agent, kind, name } = target(context);
      const precondition = parsePrecondition(context.req.raw.headers);
      if (precondition.kind === "absent") {
        throw new HawserError("invalid_message", "If-None-Match: * makes no sense with DELETE");
      }
      const view = await underPrecondition(
        precondition,
        () => resources.get(agent, kind, name),
        (options) => resources.delete(agent, kind, name, options),
      );
      if (view === undefined) throw notFound(agent, kind, name);
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
