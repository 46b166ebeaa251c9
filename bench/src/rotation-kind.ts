import type { AgentOptions } from "@hawser/agent";

/** Whether an agent renews its connection over and over while that is measured. */
export type RotationKind = "none" | "often";

/** Drawn between these two for each connection: thousands of times what is usual, so that it shows in one event of a hundred. */
const ROTATION_MIN_MS = 500;
const ROTATION_MAX_MS = 1_000;

/** What to tell an agent. A session may end after so short a life here without that counting as a failure. */
export function rotationOptions(kind: RotationKind): Pick<AgentOptions, "timing" | "reconnect"> {
  if (kind === "none") return { timing: { rotationMinMs: null, rotationMaxMs: null } };
  return {
    timing: { rotationMinMs: ROTATION_MIN_MS, rotationMaxMs: ROTATION_MAX_MS },
    reconnect: { shortSessionMs: 1 },
  };
}
