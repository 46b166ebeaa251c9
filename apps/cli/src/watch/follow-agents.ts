import { defined } from "@hawser/runtime";
import { followStream } from "../api/follow-stream.js";
import type { CommandContext } from "../command/command-context.js";
import { parseAgentChange, type AgentChange } from "./agent-change.js";

export interface AgentsWanted {
  readonly state?: string | undefined;
  /** The beginning of a name. */
  readonly name?: string | undefined;
}

export interface AgentsListener {
  /** Ends it. */
  readonly signal: AbortSignal;
  onChange(change: AgentChange): void;
  onInterrupted(reason: string, retryInMs: number): void;
  onResumed(): void;
}

/** Agents and what becomes of them. @throws CommandError as `followStream` does */
export async function followAgents(
  { connect, runtime }: CommandContext,
  { state, name }: AgentsWanted,
  listener: AgentsListener,
): Promise<void> {
  const query = new URLSearchParams({
    ...defined({ state, name }),
  }).toString();
  let opened = false;
  await followStream({
    server: connect().server,
    path: `/v1/streams/agents${query === "" ? "" : `?${query}`}`,
    timers: runtime.timers,
    random: runtime.random,
    signal: listener.signal,
    onOpen(from) {
      // It broke off before all agents were told, so that it begins anew without saying so.
      if (opened && from === undefined) listener.onChange({ change: "reset" });
      opened = true;
    },
    onEvent(event) {
      const change = parseAgentChange(event);
      if (change !== undefined) listener.onChange(change);
    },
    onInterrupted: (reason, retryInMs) => listener.onInterrupted(reason, retryInMs),
    onResumed: () => listener.onResumed(),
  });
}
