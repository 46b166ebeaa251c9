import { z } from "zod";

const exitSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("code"), code: z.int() }),
  z.strictObject({ kind: z.literal("signal"), signal: z.string() }),
  z.strictObject({ kind: z.literal("failed"), error: z.string() }),
]);

/** What a task must not forget when the agent dies: which process may be running, or that it is done. */
export const taskRecordSchema = z.strictObject({
  uid: z.string(),
  /** SHA-256 of the checked spec, as JSON: the same spec is not run again once it is done. */
  specSha256: z.string(),
  restarts: z.int(),
  state: z.discriminatedUnion("kind", [
    /** Written before the process is started, and again with its pid: there is no moment at which one runs and is not known. */
    z.strictObject({
      kind: z.literal("running"),
      instance: z.string(),
      stopGraceMs: z.int(),
      pid: z.int().optional(),
      identity: z.string().optional(),
    }),
    /** Nothing runs, and something shall: it was stopped with the agent, or waits for its next run. */
    z.strictObject({ kind: z.literal("idle") }),
    /** The last run is over and there will be no other. */
    z.strictObject({ kind: z.literal("exited"), exit: exitSchema }),
  ]),
});

export type TaskRecord = z.output<typeof taskRecordSchema>;
