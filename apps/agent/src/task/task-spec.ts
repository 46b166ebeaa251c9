import { HawserError, type JsonValue } from "@hawser/protocol";
import { z } from "zod";

/** What the operating system cannot take in a name, an argument or a variable. */
const text = z
  .string()
  .max(32_768)
  .refine((value) => !value.includes("\0"), "must not contain NUL");
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_DELAY_MS = 3_600_000;

const schema = z.strictObject({
  command: text.min(1),
  args: z.array(text).max(1024).default([]),
  env: z
    .record(z.string(), text)
    .refine(
      (env) => Object.keys(env).every((name) => VARIABLE_NAME.test(name)),
      "the names of variables must be letters, digits and _, and not begin with a digit",
    )
    .default({}),
  cwd: text.min(1).optional(),
  restart: z
    .strictObject({
      policy: z.enum(["never", "on-failure", "always"]).default("never"),
      maxRestarts: z.int().min(0).optional(),
      backoffMs: z.int().min(10).max(MAX_DELAY_MS).default(1_000),
    })
    .prefault({}),
  stopGraceMs: z.int().min(0).max(MAX_DELAY_MS).default(10_000),
});

/** What a Task shall be, checked and complete. */
export type TaskSpec = z.output<typeof schema>;

/** @throws HawserError `handler_rejected` saying what is wrong */
export function parseTaskSpec(spec: JsonValue): TaskSpec {
  const parsed = schema.safeParse(spec);
  if (parsed.success) return parsed.data;
  throw new HawserError("handler_rejected", `Task: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`);
}
