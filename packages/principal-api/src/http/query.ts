import { HawserError } from "@hawser/protocol";
import type { Context } from "hono";
import { z } from "zod";
import { about } from "../openapi/api-schema.js";
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from "./paging.js";

/**
 * Holds the query of a request against its schema.
 *
 * @throws HawserError `invalid_message` for a bad value, and for a parameter that is unknown (it would be ignored) or given twice
 */
export function parseQuery(context: Context, schema: z.ZodObject = z.object({})): unknown {
  const query = new URL(context.req.url).searchParams;
  const known = Object.keys(schema.shape);
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      const offer = known.length === 0 ? "there are none here" : `known are ${known.join(", ")}`;
      throw invalid(`unknown query parameter ${JSON.stringify(name.slice(0, 64))}; ${offer}`);
    }
    if (query.getAll(name).length > 1) throw invalid(`query parameter ${name} is given twice`);
  }
  const parsed = schema.safeParse(Object.fromEntries(query));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${issue?.path.join(".")} ${issue?.message}`);
}

/** One of a few words. */
export function choice<const Words extends readonly [string, string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: `must be ${words.slice(0, -1).join(", ")} or ${words.at(-1)}` });
}

function flag(description: string, fallback: boolean) {
  const word = choice(["true", "false"]).transform((given) => given === "true");
  return about(description, word.pipe(z.boolean()).default(fallback));
}

const LIMIT_ERROR = { error: `must be 1 to ${MAX_PAGE_LIMIT}` };

/** The query parameters of every list. */
export const PAGE_QUERY = {
  limit: about(
    `Most items of the page: 1 to ${MAX_PAGE_LIMIT}.`,
    z
      .string()
      .regex(/^\d{1,9}$/, LIMIT_ERROR)
      .transform(Number)
      .pipe(z.int().min(1, LIMIT_ERROR).max(MAX_PAGE_LIMIT, LIMIT_ERROR))
      .default(DEFAULT_PAGE_LIMIT),
  ),
  after: about("`next` of the page before.", z.string().optional()),
};

export const DRY_RUN_QUERY = z.object({
  dryRun: flag("Checks everything but the room in the mailbox, and writes nothing.", false),
});

export const PUT_QUERY = DRY_RUN_QUERY.extend({
  force: flag("An equal spec becomes a new version as well, which the agent applies anew.", false),
});

export const FORCE_QUERY = z.object({
  force: flag("Also with events pending, which are given up.", false),
});

export const REMOVE_QUERY = FORCE_QUERY.extend({
  tombstone: flag(
    "It is remembered that the agent was removed: it is refused when it comes back, until it is readmitted.",
    true,
  ),
});

export const RESOURCE_QUERY = z.object({
  kind: about("Only what is about this resource; with `name`.", z.string().optional()),
  name: about("Its name; with `kind`.", z.string().optional()),
});

function invalid(message: string): HawserError {
  return new HawserError("invalid_message", message);
}
