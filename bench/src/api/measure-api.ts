import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pause, systemTimers } from "@hawser/runtime";
import { Child } from "../child-process.js";
import { AGENTS_CORE, PRINCIPAL_CORE } from "../core-pinning.js";
import type { FleetCommands } from "../fleet/fleet-commands.js";
import type { ApiPorts, ApiServerCommands } from "./api-commands.js";
import type { ApiOptions } from "./api-options.js";
import { StreamReader, type FirstSync } from "./stream-readers.js";
import { quantile, timeRequests, type RequestPlan, type Timed } from "./timed-requests.js";

/** While agents come and go. */
export interface Churn {
  readonly readers: number;
  readonly connectsPerSecond: number;
  /** To each reader. */
  readonly toldPerSecond: number;
  readonly listP99Ms: number;
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
}

export interface ApiRow {
  readonly known: number;
  readonly requests: readonly Timed[];
  readonly firstSync: FirstSync;
  readonly churn: readonly Churn[];
}

/** A snapshot of the fleet lives a second: after that the next request pays for a walk through all agents. */
const SNAPSHOT_GONE_MS = 1_050;

export async function measureApi(
  options: ApiOptions,
  known: number,
  directory: string,
  progress: (line: string) => void,
): Promise<ApiRow> {
  const place = join(directory, `known-${known}`);
  await mkdir(place, { recursive: true });
  const server = new Child<ApiServerCommands>("api/server", { core: PRINCIPAL_CORE });
  const fleet = new Child<FleetCommands>("fleet", { core: AGENTS_CORE });
  try {
    progress(`${known} agents: filling a mailbox for each`);
    const { agentsPort, apiPorts } = await server.call("start", { directory: place, known });
    const at = (path: string): string => urlOf(apiPorts.default, path);
    const requests: Timed[] = [];
    for (const plan of plansOf(options, known, apiPorts)) {
      await server.call("lag");
      requests.push(await timeRequests(plan));
      const { maxMs } = await server.call("lag");
      progress(`${plan.what}: the event loop was late by ${maxMs.toFixed(0)} ms at most`);
    }
    const reader = new StreamReader(at("/v1/streams/agents"));
    const firstSync = await reader.open();
    reader.close();
    await fleet.call("start", {
      first: 0,
      agents: options.churning,
      transports: ["ws-json"],
      port: agentsPort,
      rotation: "often",
    });
    const churn: Churn[] = [];
    for (const readers of [0, ...options.readers])
      churn.push(await measureChurn({ server, fleet, url: at, readers, measureMs: options.measureMs }));
    return { known, requests, firstSync, churn };
  } finally {
    await fleet.end();
    await server.end();
    await rm(place, { recursive: true, force: true });
  }
}

function urlOf(port: number, path: string): string {
  return `http://127.0.0.1:${port}${path}`;
}

/** What is asked, and how often. */
function plansOf(options: ApiOptions, known: number, ports: ApiPorts): readonly RequestPlan[] {
  const at = (path: string, port = ports.default): string => urlOf(port, path);
  const deep = `absent-${Math.floor(known * 0.8)}`;
  return [
    { what: "first page of 100", url: at("/v1/agents"), count: options.requests },
    { what: "page of 100 far behind", url: at(`/v1/agents?after=${deep}`), count: options.requests },
    { what: "filter by name", url: at(`/v1/agents?name=${deep}`), count: options.requests },
    {
      what: "filter by a state nobody has",
      url: at("/v1/agents?state=connected"),
      count: options.requests,
    },
    { what: "sorted by pending", url: at("/v1/agents?sort=pending&order=desc"), count: options.requests },
    {
      what: "sorted by pending, first of its second",
      url: at("/v1/agents?sort=pending&order=desc"),
      count: options.slowRequests,
      pauseMs: SNAPSHOT_GONE_MS,
    },
    { what: "metrics, 1,000 agents by themselves", url: at("/metrics"), count: options.slowRequests },
    {
      what: "metrics, all agents by themselves",
      url: at("/metrics", ports.all),
      count: options.slowRequests,
    },
    { what: "metrics, none by itself", url: at("/metrics", ports.none), count: options.slowRequests },
  ];
}

interface ChurnParts {
  readonly server: Child<ApiServerCommands>;
  readonly fleet: Child<FleetCommands>;
  readonly url: (path: string) => string;
  readonly readers: number;
  readonly measureMs: number;
}

async function measureChurn({ server, fleet, url, readers, measureMs }: ChurnParts): Promise<Churn> {
  const open = Array.from({ length: readers }, () => new StreamReader(url("/v1/streams/agents")));
  await Promise.all(open.map((reader) => reader.open()));
  await fleet.call("reset");
  const before = open.map(({ told }) => told);
  await server.call("lag");
  const took: number[] = [];
  let over = false;
  const listing = (async () => {
    while (!over) took.push((await timeRequests({ what: "", url: url("/v1/agents"), count: 1 })).p50Ms);
  })();
  await pause(systemTimers, measureMs);
  over = true;
  await listing;
  const { p99Ms, maxMs } = await server.call("lag");
  const { opened } = await fleet.call("report");
  const seconds = measureMs / 1_000;
  const told = open.reduce((sum, reader, index) => sum + reader.told - (before[index] ?? 0), 0);
  for (const reader of open) reader.close();
  return {
    readers,
    connectsPerSecond: opened.length / seconds,
    toldPerSecond: readers === 0 ? 0 : told / readers / seconds,
    listP99Ms: quantile(took, 0.99),
    lagP99Ms: p99Ms,
    lagMaxMs: maxMs,
  };
}
