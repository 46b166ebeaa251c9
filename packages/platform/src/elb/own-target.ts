import { HawserError } from "@hawser/protocol";
import { list, member } from "../json-member.js";
import { WatchFailure } from "../watch-failure.js";

/**
 * Which target this process is.
 *
 * - `target`: the id as registered (address or instance) and its port; without a port, any with that id.
 * - `ecs`: asks the task metadata endpoint v4 (`ECS_CONTAINER_METADATA_URI_V4`). `port` is the container port the target group forwards to;
 *   `instanceId` is needed in bridge or host mode, where the target is the EC2 instance and the metadata does not name it.
 */
export type OwnTarget =
  | { readonly kind: "target"; readonly id: string; readonly port?: number }
  | { readonly kind: "ecs"; readonly port?: number; readonly instanceId?: string };

/** A registration that would be this process. */
export interface Candidate {
  readonly id: string;
  readonly port: number | undefined;
}

/** @throws WatchFailure `retry`: the endpoint may not be up yet */
export async function findOwnTargets(
  own: OwnTarget,
  metadataUri: string,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  if (own.kind === "target") return [{ id: own.id, port: own.port }];
  const [task, container] = await Promise.all([
    readJson(`${metadataUri}/task`, signal),
    readJson(metadataUri, signal),
  ]);
  const found =
    own.instanceId === undefined
      ? addressesOf(task, container, own.port)
      : hostPortsOf(container, own.instanceId, own.port);
  if (found.length > 0) return found;
  const missing =
    own.instanceId === undefined
      ? "no private IPv4 address (awsvpc): in bridge or host mode set instanceId"
      : `no host port${own.port === undefined ? "" : ` for container port ${own.port}`}`;
  throw new WatchFailure("denied", new HawserError("invalid_config", `the ECS task metadata has ${missing}`));
}

function addressesOf(task: unknown, container: unknown, port: number | undefined): Candidate[] {
  const own = member(container, "DockerId");
  const mine = list(member(task, "Containers")).filter((each) => member(each, "DockerId") === own);
  return [container, ...mine]
    .flatMap((each) => list(member(each, "Networks")))
    .filter((network) => member(network, "NetworkMode") === "awsvpc")
    .flatMap((network) => list(member(network, "IPv4Addresses")))
    .filter((address) => typeof address === "string")
    .map((id) => ({ id, port }));
}

function hostPortsOf(container: unknown, id: string, port: number | undefined): Candidate[] {
  return list(member(container, "Ports"))
    .filter((each) => port === undefined || member(each, "ContainerPort") === port)
    .map((each) => member(each, "HostPort"))
    .filter((hostPort) => typeof hostPort === "number")
    .map((hostPort) => ({ id, port: hostPort }));
}

async function readJson(url: string, signal: AbortSignal): Promise<unknown> {
  try {
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return await answer.json();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new WatchFailure(
      "retry",
      new HawserError("connection_failed", `the ECS task metadata endpoint did not answer: ${why}`, {
        cause,
      }),
    );
  }
}
