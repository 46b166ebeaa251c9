import { HawserError, parseRetryAfter, thrownText } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import { list, member, text } from "../json-member.js";
import { WatchFailure } from "../watch-failure.js";

/**
 * Which target this process is.
 *
 * - `target`: the id as registered (address or instance) and its port; without a port, any with that id.
 * - `ecs`: asks the task metadata endpoint (`ECS_CONTAINER_METADATA_URI_V4`, else `ECS_CONTAINER_METADATA_URI`). `port` is the container port the target group
 *   forwards to; leave it out where the groups forward to different ones. `instanceId` is needed where the target is the EC2 instance (bridge and host mode),
 *   because the metadata does not name it.
 */
export type OwnTarget =
  | { readonly kind: "target"; readonly id: string; readonly port?: number }
  | { readonly kind: "ecs"; readonly port?: number; readonly instanceId?: string };

/** A registration that would be this process. */
export interface Candidate {
  readonly id: string;
  readonly port: number | undefined;
}

/** @throws WatchFailure `retry`: the endpoint, or the container, may not be up yet */
export async function findOwnTargets(
  own: OwnTarget,
  metadataUri: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  if (own.kind === "target") return [{ id: own.id, port: own.port }];
  const [task, container] = await Promise.all([
    readJson(`${metadataUri}/task`, clock, signal),
    readJson(metadataUri, clock, signal),
  ]);
  const found =
    own.instanceId === undefined
      ? addressesOf(task, container, own.port)
      : portsOfInstance(container, own.instanceId, own.port);
  if (found.length > 0) return found;
  throw notFound(own, container);
}

/** Ports are mapped when the container runs: what is not there yet may come, and what a running one does not have will not. */
function notFound({ instanceId, port }: OwnTarget & { kind: "ecs" }, container: unknown): WatchFailure {
  const missing =
    instanceId === undefined
      ? "no address of its own (awsvpc): in bridge or host mode give the id of the EC2 instance"
      : `no host port${port === undefined ? "" : ` for container port ${port}`}`;
  const state = text(member(container, "KnownStatus")) ?? "RUNNING";
  const message = `the ECS task metadata has ${missing}`;
  return state === "RUNNING"
    ? WatchFailure.denied("invalid_config", message)
    : new WatchFailure(
        "retry",
        new HawserError("connection_failed", `${message} yet: the container is ${state}`),
      );
}

/** IP targets: the address of the task's own network interface, at the container's port. */
function addressesOf(task: unknown, container: unknown, port: number | undefined): Candidate[] {
  const own = member(container, "DockerId");
  const mine = list(member(task, "Containers")).filter((each) => member(each, "DockerId") === own);
  return [container, ...mine]
    .flatMap((each) => list(member(each, "Networks")))
    .filter((network) => member(network, "NetworkMode") === "awsvpc")
    .flatMap((network) => [
      ...list(member(network, "IPv4Addresses")),
      ...list(member(network, "IPv6Addresses")),
    ])
    .filter((address) => typeof address === "string")
    .map((id) => ({ id, port }));
}

/** Instance targets: in bridge mode the port that the host maps to the container's, in host mode the container's itself. */
function portsOfInstance(container: unknown, id: string, port: number | undefined): Candidate[] {
  const onHost = list(member(container, "Networks")).some((each) => member(each, "NetworkMode") === "host");
  if (onHost && port !== undefined) return [{ id, port }];
  return (
    list(member(container, "Ports"))
      .filter((each) => port === undefined || member(each, "ContainerPort") === port)
      .map((each) => member(each, onHost ? "ContainerPort" : "HostPort"))
      .filter((mapped) => typeof mapped === "number")
      // Zero is one that is yet to be chosen.
      .filter((mapped) => mapped > 0)
      .map((mapped) => ({ id, port: mapped }))
  );
}

async function readJson(url: string, clock: Clock, signal: AbortSignal): Promise<unknown> {
  let askedMs: number | undefined;
  try {
    const answer = await fetch(url, { signal });
    if (answer.ok) return await answer.json();
    askedMs = parseRetryAfter(answer.headers.get("retry-after") ?? undefined, clock.wallTime());
    throw new Error(`HTTP ${answer.status}`);
  } catch (cause) {
    const why = thrownText(cause);
    const message = `the ECS task metadata endpoint did not answer: ${why}`;
    throw new WatchFailure("retry", new HawserError("connection_failed", message, { cause }), askedMs);
  }
}
