import type { ServedCertificate } from "@hawser/listener";
import type { AgentView, RollbackReport, Principal } from "@hawser/principal";
import { PROTOCOL_VERSIONS } from "@hawser/protocol";
import { z } from "zod";
import type { ApiMetrics } from "../api-metrics.js";
import type { FleetSnapshot } from "./fleet-snapshot.js";
import { json } from "../openapi/operation.js";
import type { Serve } from "./routes.js";
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
export function statusRoutes(serve: Serve, parts: StatusParts): void {
  healthRoutes(serve, parts);
  const { principal, fleet, version, startedAt, metrics, openFiles, certificates } = parts;
  serve("GET", "/v1/info", {
    id: "getInfo",
    summary: "Show what this principal is",
    answers: { 200: json("Versions and state.", Info) },
    handle: (context) =>
      context.json({
        version,
        protocolVersions: PROTOCOL_VERSIONS,
        state: principal.state,
        openFiles,
        certificates: certificates?.().map(certificateJson),
      }),
  });
  serve("GET", "/v1/status", {
    id: "getStatus",
    summary: "Sum the fleet up",
    answers: { 200: json("Up to a second old.", Status) },
    errors: ["overloaded", "store_unavailable"],
    handle: async (context) =>
      context.json({
        state: principal.state,
        version,
        protocolVersions: PROTOCOL_VERSIONS,
        startedAt: new Date(startedAt).toISOString(),
        ...sumUp(await fleet.agents()),
        rollback: rollbackJson(principal.rollback),
      }),
  });
  if (metrics !== undefined) metricsRoute(serve, metrics);
}

function healthRoutes(serve: Serve, { principal }: Pick<StatusParts, "principal">): void {
  // Liveness only says that the event loop responds: a restart helps against nothing less.
  serve("GET", "/livez", {
    id: "getLiveness",
    summary: "Is the process alive?",
    answers: { 200: json("It answers.", Live) },
    open: true,
    handle: (context) => context.json({ status: "alive" }),
  });
  serve("GET", "/readyz", {
    id: "getReadiness",
    summary: "Does it serve?",
    answers: { 200: json("It does.", Ready), 503: json("Not yet, or no longer.", Ready) },
    open: true,
    handle: (context) => {
      const { state, gate } = principal;
      return context.json({ state, gate }, state === "open" ? 200 : 503);
    },
  });
}

function metricsRoute(serve: Serve, metrics: NonNullable<StatusParts["metrics"]>): void {
  const text = { "text/plain": z.string() };
  serve("GET", "/metrics", {
    id: "getMetrics",
    summary: "Scrape the metrics",
    answers: { 200: { description: "The text format of Prometheus.", content: text } },
    handle: async () =>
      new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } }),
  });
}

function rollbackJson(report: RollbackReport | undefined) {
  return report && { ...report, since: new Date(report.since).toISOString() };
}

function certificateJson({ port, notAfter }: ServedCertificate) {
  return { port, notAfter: new Date(notAfter).toISOString() };
}

function sumUp(agents: readonly AgentView[]) {
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
