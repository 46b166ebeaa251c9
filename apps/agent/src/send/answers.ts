import { z } from "zod";

/** What the socket answers (README, Events of programs). */
export const infoSchema = z.object({ name: z.string() });

const acceptedSchema = z.object({
  resourceid: z.string(),
  eventid: z.string(),
  duplicate: z.boolean(),
});

export const problemSchema = z.object({ code: z.string(), detail: z.string() });

/** One event of a batch, in the order of the batch: accepted, or refused by itself. */
export const itemSchema = z.union([acceptedSchema, z.object({ error: problemSchema })]);
export type SentItem = z.infer<typeof itemSchema>;

export const batchSchema = z.object({ items: z.array(itemSchema) });
