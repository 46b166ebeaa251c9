import { z } from "zod";
import { agentSchema } from "../api/schemas.js";
import type { ServerSentEvent } from "../api/sse-parser.js";

/** One line of `hawser agents --watch`, as `GET /v1/streams/agents` tells it. */
export const agentChangeSchema = z.discriminatedUnion("change", [
  /** An agent as it is by now: each one first, then each that changes. */
  z.object({ change: z.literal("agent"), agent: agentSchema }),
  /** Not there any more, or not like what was asked for. */
  z.object({ change: z.literal("gone"), name: z.string() }),
  /** All agents have been told; what comes now has changed. */
  z.object({ change: z.literal("synced") }),
  /** Forget all agents: they are told anew. */
  z.object({ change: z.literal("reset") }),
]);
export type AgentChange = z.infer<typeof agentChangeSchema>;

/** Undefined for what this version does not know. */
export function parseAgentChange({ event, data }: ServerSentEvent): AgentChange | undefined {
  const content = parseJson(data);
  const candidate = event === "agent" ? { agent: content } : content;
  const parsed = agentChangeSchema.safeParse({ ...asObject(candidate), change: event });
  return parsed.success ? parsed.data : undefined;
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
