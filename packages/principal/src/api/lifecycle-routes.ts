import { HawserError, LIMITS } from "@hawser/protocol";
import type { Context, Hono } from "hono";
import { z } from "zod";
import type { DrainOptions, DrainReport, Principal } from "../principal.js";
import { decodeText, parseJson, readBody } from "./request-body.js";
import { route } from "./routes.js";

const Milliseconds = z.number().min(0).max(LIMITS.maxDurationMs);

const DrainBody = z.strictObject({
  reason: z.string().min(1).max(256).optional(),
  shape: z.enum(["handover", "restart"]).optional(),
  windowMs: Milliseconds.optional(),
  leadMs: Milliseconds.optional(),
  settleMs: Milliseconds.optional(),
  returnAfterMs: Milliseconds.optional(),
  graceMs: Milliseconds.optional(),
});

const AdmissionBody = z.strictObject({
  ratePerSecond: z.number().optional(),
  burst: z.number().optional(),
  maxHandshakes: z.number().optional(),
  handshakeTimeoutMs: z.number().optional(),
  maxWaiting: z.number().optional(),
  maxWaitMs: z.number().optional(),
  maxRefusing: z.number().optional(),
  maxSlotMs: z.number().optional(),
});

/** What a drain through the API takes where the request does not say. */
const DRAIN_DEFAULTS = { reason: "asked to over the API", windowMs: 5_000 } as const;

/** How agents come and go: the drain, and how fast they are let in. */
export function lifecycleRoutes(
  app: Hono,
  principal: Pick<Principal, "drain" | "draining" | "state" | "gate" | "listener">,
): void {
  let report: DrainReport | undefined;

  route(app, "/v1/drain", {
    // Answers at once: what called it, such as a preStop hook, may be gone before the drain is through. Asking again changes nothing.
    POST: async (context) => {
      const order = await readOptional(context, DrainBody);
      const draining = principal.drain(definedOnly<DrainOptions>({ ...DRAIN_DEFAULTS, ...order }));
      void draining.then((done) => {
        report = done;
      });
      return context.json(drainJson(principal, report), 202);
    },
    GET: (context) => context.json(drainJson(principal, report)),
  });

  route(app, "/v1/admission", {
    GET: (context) => context.json(listenerOf(principal).stats()),
    PATCH: async (context) => {
      const listener = listenerOf(principal);
      const change = await readOptional(context, AdmissionBody);
      try {
        listener.configure(definedOnly(change));
      } catch (thrown) {
        throw new HawserError("invalid_message", HawserError.from(thrown).message, { cause: thrown });
      }
      return context.json(listener.stats());
    },
  });
}

function listenerOf({ listener }: Pick<Principal, "listener">): NonNullable<Principal["listener"]> {
  if (listener !== undefined) return listener;
  throw new HawserError("not_found", "this principal has no port of its own, so nobody waits at it");
}

/** A body that may be left out, which is the same as `{}`. */
async function readOptional<Schema extends z.ZodObject>(
  context: Context,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = decodeText(await readBody(context.req.raw), "invalid_message");
  const parsed = schema.safeParse(text === "" ? {} : parseJson(text, "invalid_message"));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the body" : `field ${issue.path.join(".")}`;
  throw new HawserError("invalid_message", `${where} is wrong: ${issue?.message ?? "not as expected"}`);
}

/** Without the members that are undefined: what is left out keeps its default. */
function definedOnly<T extends object>(options: { readonly [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function drainJson(
  { draining, state, gate }: Pick<Principal, "draining" | "state" | "gate">,
  report: DrainReport | undefined,
): Record<string, unknown> {
  return {
    state,
    gate,
    ...(draining === undefined ? {} : { progress: draining }),
    ...(report === undefined
      ? {}
      : { report: { ...report, unsettled: Object.fromEntries(report.unsettled) } }),
  };
}
