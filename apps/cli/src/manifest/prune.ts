import type { ApiClient } from "../api/api-client.js";
import type { Resource } from "../api/schemas.js";
import { tellInOrder } from "../concurrency/tell-in-order.js";
import type { Manifest } from "./parse-manifests.js";

/**
 * What the files no longer hold: resources of the agents and kinds they mention. An agent or a kind that no file mentions is left alone, and so is what is
 * being deleted already.
 */
export async function findPruned(
  client: ApiClient,
  manifests: readonly Manifest[],
): Promise<readonly Resource[]> {
  const wanted = new Set(manifests.map(({ agent, kind, name }) => `${agent}/${kind}/${name}`));
  const kinds = new Set(manifests.map(({ agent, kind }) => `${agent}/${kind}`));
  const found: Resource[] = [];
  const agents = [...new Set(manifests.map((manifest) => manifest.agent))];
  const [failure] = await tellInOrder(
    agents,
    { laneOf: (agent) => agent },
    async (agent) => ({ agent, resources: await client.list(agent) }),
    ({ agent, resources }) => {
      for (const resource of resources) {
        const { kind, name, state } = resource;
        if (!kinds.has(`${agent}/${kind}`) || wanted.has(`${agent}/${kind}/${name}`)) continue;
        if (state !== "deleting") found.push(resource);
      }
    },
  );
  if (failure !== undefined) throw failure.thrown;
  return found;
}
