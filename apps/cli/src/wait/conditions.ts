import { printableLine, type Clock } from "@hawser/runtime";
import type { ApiClient } from "../api/api-client.js";
import type { Resource } from "../api/schemas.js";
import { EXIT_CODES, CommandError, usageError } from "../exit-codes.js";
import { waitText } from "../output/wait-text.js";
import { referenceOf, type ResourceReference } from "../resource-reference.js";

/** What somebody waits for, and how far it is. */
export interface Condition {
  /** In words: `edge-1/ConfigFile/motd to be delivered`. */
  readonly text: string;
  readonly reference: string;
  /** Undefined when it is there, else what is missing, in words. @throws CommandError when it will never come */
  readonly missing: () => Promise<string | undefined>;
}

const RESOURCE_CONDITIONS = ["delivered", "observed", "deleted", "status.FIELD=VALUE"] as const;
const AGENT_CONDITIONS = ["connected", "idle"] as const;

/** Who is asked, and what time it is. */
export interface ConditionSources {
  readonly client: ApiClient;
  readonly clock: Pick<Clock, "wallTime">;
}

/** @param wanted undefined: `delivered` for a resource, `connected` for an agent. @throws CommandError (usage) */
export function createCondition(
  { client, clock }: ConditionSources,
  target: ResourceReference,
  wanted: string | undefined,
): Condition {
  return target.scope === "agent"
    ? agentCondition(client, target.agent, wanted ?? "connected")
    : resourceCondition(client, target, wanted ?? "delivered", () => clock.wallTime());
}

function agentCondition(client: ApiClient, name: string, wanted: string): Condition {
  if (wanted !== "connected" && wanted !== "idle")
    throw usageError(`an agent can be waited for to be ${AGENT_CONDITIONS.join(" or ")}, not '${wanted}'`);
  return {
    reference: name,
    text: wanted === "connected" ? `${name} to be connected` : `${name} to have nothing pending`,
    async missing() {
      const agent = await client.findAgent(name);
      if (agent === undefined)
        return "it has never connected, and nothing was sent to it, or it was removed (hawser agents --removed)";
      if (wanted === "connected")
        return agent.state === "connected"
          ? undefined
          : printableLine(`it is ${agent.state}: ${agent.reason}`);
      if (agent.pending === 0) return undefined;
      return `${agent.pending} events are pending, and it is ${agent.state}`;
    },
  };
}

function resourceCondition(
  client: ApiClient,
  target: Extract<ResourceReference, { scope: "resource" }>,
  wanted: string,
  now: () => number,
): Condition {
  const reference = referenceOf(target);
  const field = /^status\.([^=]+)=(.*)$/s.exec(wanted);
  const isKnown = wanted === "delivered" || wanted === "observed" || wanted === "deleted";
  if (field === null && !isKnown)
    throw usageError(`a resource can be waited for to be ${RESOURCE_CONDITIONS.join(", ")}, not '${wanted}'`);
  const [, path = "", value = ""] = field ?? [];
  const text = field === null ? `to be ${wanted}` : `to have ${path} ${value} in its status`;

  return {
    reference,
    text: `${reference} ${text}`,
    async missing() {
      const resource = await client.find(target);
      if (wanted === "deleted") {
        if (resource === undefined) return undefined;
        if (resource.state !== "deleting") return `nobody asked for its deletion: it is ${resource.state}`;
        return `version ${resource.version}, the delete, is not acknowledged${whyNot(resource, now())}`;
      }
      if (resource === undefined) return "it is not there";
      if (resource.state === "deleting") return "it is being deleted";
      if (resource.state === "refused")
        throw await refused(client, reference, target.agent, resource.version);
      if (resource.state === "purged") throw purged(reference, resource.version);
      if (resource.state !== "delivered")
        return `version ${resource.version} is not acknowledged${whyNot(resource, now())}`;
      if (wanted === "delivered") return undefined;
      if (resource.observedVersion !== resource.version)
        return `its status reflects version ${resource.observedVersion ?? "none"} of ${resource.version}`;
      if (field === null) return undefined;
      const found = valueAt(resource.status, path.split("."));
      return found === value ? undefined : printableLine(`${path} is ${found ?? "not there"}`);
    },
  };
}

function whyNot(resource: Resource, now: number): string {
  const why = waitText(resource, now);
  return why === undefined ? "" : printableLine(`: ${why}`);
}

async function refused(
  client: ApiClient,
  reference: string,
  agent: string,
  version: string,
): Promise<CommandError> {
  const letter = (await client.deadLetters(agent)).find(({ eventid }) => eventid === version);
  const why =
    letter === undefined
      ? "its dead letter was discarded"
      : printableLine(`${letter.code}: ${letter.message}`);
  return new CommandError(
    EXIT_CODES.failed,
    `${agent} refused version ${version} of ${reference} (${why}); correct it and apply again, or: hawser dead-letters requeue ${agent} ${version}`,
  );
}

function purged(reference: string, version: string): CommandError {
  return new CommandError(
    EXIT_CODES.failed,
    `version ${version} of ${reference} was purged, not delivered: somebody threw it away while it was pending; apply it again`,
  );
}

function valueAt(status: unknown, path: readonly string[]): string | undefined {
  let value: unknown = status;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
