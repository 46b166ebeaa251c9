import { HawserError } from "@hawser/protocol";
import type { Resources } from "../principal.js";
import { parseChoice, parsePage, type PageJson } from "./paging.js";
import { scanPage } from "./scan-page.js";
import { resourceJson } from "./view-json.js";

const STATES = ["pending", "delivered", "refused", "deleting"] as const;

/** A page of the resources of an agent as the query asks for it. With `kind`, nothing but that kind is read. */
export async function listResources(
  resources: Resources,
  agent: string,
  query: URLSearchParams,
): Promise<PageJson<Record<string, unknown>>> {
  const page = parsePage(query, ["kind", "state"]);
  const state = parseChoice(query, "state", STATES);
  const kind = query.get("kind");
  if (kind === "" || kind?.includes("/") === true) {
    throw new HawserError("invalid_message", "kind must be the name of a kind, such as ConfigFile");
  }
  return scanPage(page, {
    read: (request) => resources.list(agent, request),
    cursor: (view) => `${view.kind}/${view.name}`,
    judge: (view) => {
      if (kind !== null && view.kind !== kind) return "end";
      return state === undefined || view.state === state ? "take" : "skip";
    },
    // Resources are in order of `<kind>/<name>`, so all of one kind lie behind its slash.
    start: kind === null ? undefined : `${kind}/`,
    json: resourceJson,
  });
}
