import { createHash } from "node:crypto";
import { z } from "zod";
import type { ResourceName } from "../resource-reference.js";
import { resourceSchema, type Resource } from "../api/schemas.js";

/** One line of `hawser get --watch`. */
export const resourceChangeSchema = z.discriminatedUnion("change", [
  /** A resource as it is by now: each one first, then each that changes. */
  z.object({ change: z.literal("resource"), resource: resourceSchema }),
  /** Not there any more, or not like what was asked for. */
  z.object({ change: z.literal("gone"), agent: z.string(), kind: z.string(), name: z.string() }),
  /** All resources have been told; what comes now has changed. */
  z.object({ change: z.literal("synced") }),
]);
export type ResourceChange = z.infer<typeof resourceChangeSchema>;

/** As many as are told apart; each takes some two hundred bytes. */
export const DEFAULT_MAX_WATCHED_RESOURCES = 100_000;

interface Known {
  readonly name: ResourceName;
  /** Of all there is to tell of it: specs may be large, and of most nobody asks again. */
  readonly digest: string;
}

/** Resources as they were told last, so that only what differs is told again. */
export class KnownResources {
  readonly #max: number;
  readonly #byAgent = new Map<string, Map<string, Known>>();
  #size = 0;

  constructor(max: number = DEFAULT_MAX_WATCHED_RESOURCES) {
    this.#max = max;
  }

  /** Agents of which there is something to tell that is gone. */
  get agents(): readonly string[] {
    return [...this.#byAgent.keys()];
  }

  /** More than are told apart were put. */
  get isOverfull(): boolean {
    return this.#size > this.#max;
  }

  /** Takes all resources of an agent as they are by now. @returns what differs from what was told before */
  put(agent: string, resources: readonly Resource[]): readonly ResourceChange[] {
    const before = this.#byAgent.get(agent) ?? new Map<string, Known>();
    const now = new Map<string, Known>();
    const changes: ResourceChange[] = [];
    for (const resource of resources) {
      const { kind, name } = resource;
      const key = `${kind}/${name}`;
      const digest = createHash("sha256").update(JSON.stringify(resource)).digest("base64");
      now.set(key, { name: { agent, kind, name }, digest });
      if (before.get(key)?.digest !== digest) changes.push({ change: "resource", resource });
    }
    for (const [key, { name }] of before) if (!now.has(key)) changes.push({ change: "gone", ...name });
    this.#size += now.size - before.size;
    if (now.size === 0) this.#byAgent.delete(agent);
    else this.#byAgent.set(agent, now);
    return changes;
  }
}
