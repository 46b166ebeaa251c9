import { HawserError } from "@hawser/protocol";

/** That a peer was removed, and that nothing is kept for it until it is readmitted. */
export interface Tombstone {
  readonly peer: string;
  /** When it was removed, Unix milliseconds. */
  readonly at: number;
}

/** The refusal of a removed peer, and of events for it. */
export function agentRemoved(agent: string, { at }: Pick<Tombstone, "at">): HawserError {
  const when = new Date(at).toISOString();
  const what = `agent ${agent} was removed at ${when}, and nothing is kept for it`;
  return new HawserError(
    "agent_removed",
    `${what}; to let the name in again: hawser agents readmit ${agent}`,
    {
      agent,
    },
  );
}
