import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DEMO_AGENTS, type Fleet } from "@hawser/app-fleet";
import { apiOf, type ResourceState } from "./principal-api.js";

export interface Proof {
  readonly converged: boolean;
  readonly resources: number;
  /** What is not as it should be, in words; empty when converged. */
  readonly missing: readonly string[];
}

/**
 * Compares what was accepted with what is there: every resource observed in its newest version, nothing pending, and each file on the agents' disks with
 * the content of the newest accepted spec.
 */
export async function prove(fleet: Fleet, accepted: ReadonlyMap<string, string>): Promise<Proof> {
  const missing: string[] = [];
  let resources = 0;
  const agents = await apiOf(fleet).agents();
  for (const { name } of DEMO_AGENTS) {
    const agent = agents.find((candidate) => candidate.name === name);
    if (agent?.state !== "connected") missing.push(`${name} is not connected`);
    if (agent !== undefined && agent.pending > 0) missing.push(`${name} has ${agent.pending} pending`);
    if (agent !== undefined && agent.deadLetters > 0)
      missing.push(`${name} has ${agent.deadLetters} dead letters`);
    for (const resource of await apiOf(fleet).resources(name)) {
      resources += 1;
      missing.push(...(await check(fleet, resource, accepted)));
    }
  }
  return { converged: missing.length === 0, resources, missing };
}

async function check(
  fleet: Fleet,
  resource: ResourceState,
  accepted: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const name = `${resource.agent}/${resource.kind}/${resource.name}`;
  if (resource.observedVersion !== resource.version) {
    return [`${name} is at version ${resource.observedVersion ?? "none"} of ${resource.version}`];
  }
  if (resource.kind !== "ConfigFile") return [];
  const { path, content } = resource.spec;
  if (typeof path !== "string") return [`${name} has no path`];
  const wanted = accepted.get(`${resource.agent}/${path}`) ?? content;
  const found = await readFile(join(fleet.filesOf(resource.agent), path), "utf8").catch(() => undefined);
  return found === wanted ? [] : [`${name}: ${path} is not what was accepted`];
}
