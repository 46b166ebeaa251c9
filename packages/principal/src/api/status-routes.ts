import { PROTOCOL_VERSIONS } from "@hawser/protocol";
import type { Hono } from "hono";
import type { Registry } from "prom-client";
import type { Principal } from "../principal.js";
import { route } from "./routes.js";

/** What orchestrators, monitoring and curious people ask first. */
export function statusRoutes(
  app: Hono,
  principal: Pick<Principal, "state">,
  version: string,
  registry: Registry | undefined,
): void {
  // Alive as long as it answers; a restart helps against nothing less.
  route(app, "/livez", { GET: (context) => context.json({ status: "alive" }) });
  route(app, "/readyz", {
    GET: (context) => {
      const { state } = principal;
      return context.json({ state }, state === "open" ? 200 : 503);
    },
  });
  route(app, "/v1/info", {
    GET: (context) => context.json({ version, protocolVersions: PROTOCOL_VERSIONS, state: principal.state }),
  });
  if (registry === undefined) return;
  route(app, "/metrics", {
    GET: async () =>
      new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } }),
  });
}
