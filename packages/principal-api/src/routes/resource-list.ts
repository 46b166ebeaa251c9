import type { Resources } from "@hawser/principal";
import { z } from "zod";
import { about } from "../openapi/api-schema.js";
import type { PageJson } from "../http/paging.js";
import { choice, PAGE_QUERY } from "../http/query.js";
import { scanPage } from "../http/scan-page.js";
import { resourceJson } from "./view-json.js";
import { RESOURCE_STATES } from "../openapi/view-schemas.js";

export const RESOURCES_QUERY = z.object({
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

/** A page of the resources of an agent as the query asks for it. With `kind`, nothing but that kind is read. */
export async function listResources(
  resources: Resources,
  agent: string,
  { limit, after, kind, state }: z.output<typeof RESOURCES_QUERY>,
): Promise<PageJson<Record<string, unknown>>> {
  const page = { limit, after };
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
