import { HawserError, parseRetryAfter, thrownText } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import { list, member, text } from "../json-member.js";
import { WatchFailure } from "../watch-failure.js";

/**
 * The target that this process is.
 *
 * - `target`: the registered id (address or instance) and port; without a port, any with that id.
 * - `ecs`: from the task metadata endpoint. `port` is the container port of the group; omit it
 *   where groups use different ones. `instanceId` is required if the target is the EC2 instance
 *   (bridge and host mode).
 */
export type OwnTarget =
  | { readonly kind: "target"; readonly id: string; readonly port?: number }
  | { readonly kind: "ecs"; readonly port?: number; readonly instanceId?: string };

/** A possible registration of this process. */
export interface Candidate {
  readonly id: string;
  readonly port: number | undefined;
}

/** @throws WatchFailure `retry`: the endpoint or the container may still be starting */
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

/** A running container has its ports; one that is starting may still get them. */
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

/** IP targets: address of the task's own interface, with the container's port. */
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

/** Instance targets: the mapped host port, or the container's port in host mode. */
function portsOfInstance(container: unknown, id: string, port: number | undefined): Candidate[] {
  const onHost = list(member(container, "Networks")).some((each) => member(each, "NetworkMode") === "host");
  if (onHost && port !== undefined) return [{ id, port }];
  return (
    list(member(container, "Ports"))
      .filter((each) => port === undefined || member(each, "ContainerPort") === port)
      .map((each) => member(each, onHost ? "ContainerPort" : "HostPort"))
      .filter((mapped) => typeof mapped === "number")
      // Zero is not assigned yet.
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
