import { HawserError } from "@hawser/protocol";
import { splitNumbers } from "../layout/number-text.js";

/** That a peer was removed, and that nothing is kept for it until it is readmitted. */
export interface Tombstone {
  readonly peer: string;
  /** When it was removed, Unix milliseconds. */
  readonly at: number;
}

/** As it lies on the disk. */
export interface TombstoneRow {
  readonly at: number;
  /** How many there had been before: the oldest goes first, whatever the clock said. */
  readonly number: number;
}

export function encodeTombstone({ at, number }: TombstoneRow): string {
  return `${Math.max(0, Math.floor(at))} ${number} `;
}

export function decodeTombstone(text: string, key: string): TombstoneRow {
  const [[at = 0, number = 0]] = splitNumbers(text, 2, key);
  return { at, number };
}

/** Whoever comes back after its removal, or is sent something, hears this. */
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
