import type { ServedCertificate } from "@hawser/listener";
import type { AgentView, RollbackReport, Principal } from "@hawser/principal";
import { PROTOCOL_VERSIONS } from "@hawser/protocol";
import type { Hono } from "hono";
import { z } from "zod";
import type { ApiMetrics } from "../api-metrics.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import { operation } from "../openapi/operation.js";
import { route } from "./routes.js";
import { Info, Live, Ready, Status } from "../openapi/status-schemas.js";

/** The limit of open files of the process, and how many it may need with as many connections as its settings allow. */
export interface OpenFiles {
  readonly limit: number;
  readonly needed: number;
}

export interface StatusParts {
  readonly principal: Pick<Principal, "state" | "gate" | "rollback">;
  readonly fleet: FleetSnapshot;
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly metrics: Pick<ApiMetrics, "text" | "contentType"> | undefined;
  readonly openFiles: OpenFiles | undefined;
  readonly certificates: (() => readonly ServedCertificate[]) | undefined;
}

/** What orchestrators, monitoring and curious people ask first. */
export function statusRoutes(
  app: Hono,
  { principal, fleet, version, startedAt, metrics, openFiles, certificates }: StatusParts,
): void {
  // Alive as long as it answers; a restart helps against nothing less.
  route(app, "/livez", {
    GET: operation(
      {
        id: "getLiveness",
        tag: "Status",
        summary: "Is the process alive?",
        answers: { 200: { description: "It answers.", content: { "application/json": Live } } },
        open: true,
      },
      (context) => context.json({ status: "alive" }),
    ),
  });
  route(app, "/readyz", {
    GET: operation(
      {
        id: "getReadiness",
        tag: "Status",
        summary: "Does it serve?",
        answers: {
          200: { description: "It does.", content: { "application/json": Ready } },
          503: { description: "Not yet, or no longer.", content: { "application/json": Ready } },
        },
        open: true,
      },
      (context) => {
        const { state, gate } = principal;
        return context.json({ state, gate }, state === "open" ? 200 : 503);
      },
    ),
  });
  route(app, "/v1/info", {
    GET: operation(
      {
        id: "getInfo",
        tag: "Status",
        summary: "Show what this principal is",
        answers: { 200: { description: "Versions and state.", content: { "application/json": Info } } },
      },
      (context) =>
        context.json({
          version,
          protocolVersions: PROTOCOL_VERSIONS,
          state: principal.state,
          ...(openFiles === undefined ? {} : { openFiles }),
          ...(certificates === undefined ? {} : { certificates: certificates().map(certificateJson) }),
        }),
    ),
  });
  route(app, "/v1/status", {
    GET: operation(
      {
        id: "getStatus",
        tag: "Status",
        summary: "Sum the fleet up",
        answers: { 200: { description: "Up to a second old.", content: { "application/json": Status } } },
        errors: ["overloaded", "store_unavailable"],
      },
      async (context) =>
        context.json({
          state: principal.state,
          version,
          protocolVersions: PROTOCOL_VERSIONS,
          startedAt: new Date(startedAt).toISOString(),
          ...sumUp(await fleet.agents()),
          ...rollbackJson(principal.rollback),
        }),
    ),
  });
  if (metrics !== undefined) metricsRoute(app, metrics);
}

function metricsRoute(app: Hono, metrics: NonNullable<StatusParts["metrics"]>): void {
  const text = { "text/plain": z.string() };
  route(app, "/metrics", {
    GET: operation(
      {
        id: "getMetrics",
        tag: "Status",
        summary: "Scrape the metrics",
        answers: { 200: { description: "The text format of Prometheus.", content: text } },
      },
      async () => new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } }),
    ),
  });
}

function rollbackJson(report: RollbackReport | undefined) {
  if (report === undefined) return {};
  return { rollback: { ...report, since: new Date(report.since).toISOString() } };
}

function certificateJson({ port, notAfter }: ServedCertificate) {
  return { port, notAfter: new Date(notAfter).toISOString() };
}

interface FleetSums {
  readonly agents: { readonly connected: number; readonly known: number };
  readonly pending: number;
  readonly deadLetters: number;
  readonly sessionsByTransport: Readonly<Record<string, number>>;
}

function sumUp(agents: readonly AgentView[]): FleetSums {
  const transports = new Map<string, number>();
  let connected = 0;
  let pending = 0;
  let deadLetters = 0;
  for (const view of agents) {
    pending += view.pending;
    deadLetters += view.deadLetters;
    if (view.session === undefined) continue;
    connected += 1;
    transports.set(view.session.transport, (transports.get(view.session.transport) ?? 0) + 1);
  }
  return {
    agents: { connected, known: agents.length },
    pending,
    deadLetters,
    sessionsByTransport: Object.fromEntries(transports),
  };
}
