import type { DrainOptions, DrainReport, Principal } from "@hawser/principal";
import { HawserError, LIMITS } from "@hawser/protocol";
import type { Hono } from "hono";
import { z } from "zod";
import { operation } from "../openapi/operation.js";
import { route } from "./routes.js";
import { AdmissionState, DrainState } from "../openapi/status-schemas.js";

const Milliseconds = z.number().min(0).max(LIMITS.maxDurationMs);

const DrainBody = z.strictObject({
  reason: z.string().min(1).max(256).optional(),
  shape: z.enum(["handover", "restart"]).optional(),
  windowMs: Milliseconds.optional(),
  leadMs: Milliseconds.optional(),
  answerWaitMs: Milliseconds.optional(),
  returnAfterMs: Milliseconds.optional(),
  graceMs: Milliseconds.optional(),
});

const AdmissionBody = z.strictObject({
  ratePerSecond: z.number().optional(),
  burst: z.number().optional(),
  maxHandshakes: z.number().optional(),
  handshakeTimeoutMs: z.number().optional(),
  maxUnauthenticated: z.number().optional(),
  maxWaiting: z.number().optional(),
  maxWaitMs: z.number().optional(),
  maxRefusing: z.number().optional(),
  failuresPerSecond: z.number().optional(),
  maxSlotMs: z.number().optional(),
});

/** What a drain through the API takes where the request does not say. */
const DRAIN_DEFAULTS = { reason: "asked to over the API", windowMs: 5_000 } as const;

/** How agents come and go: the drain, and how fast they are let in. */
export function lifecycleRoutes(
  app: Hono,
  principal: Pick<Principal, "drain" | "undrain" | "draining" | "state" | "gate" | "listener">,
): void {
  let report: DrainReport | undefined;
  /** Of the drain that was begun last: one that was taken back may end after the next one has begun. */
  let newest = 0;

  route(app, "/v1/drain", {
    // Answers at once: what called it, such as a preStop hook, may be gone before the drain is through. Asking again changes nothing.
    POST: operation(
      {
        id: "startDrain",
        tag: "Lifecycle",
        summary: "Let every session go",
        description:
          "Answers at once; ask again, or GET, to see how far it is. Asking again changes nothing.",
        body: { schema: DrainBody, optional: true, example: { shape: "handover", windowMs: 20_000 } },
        answers: { 202: { description: "Under way.", content: { "application/json": DrainState } } },
      },
      (context, { body }) => {
        if (principal.draining === undefined) {
          report = undefined;
          newest += 1;
        }
        const mine = newest;
        const draining = principal.drain(definedOnly<DrainOptions>({ ...DRAIN_DEFAULTS, ...body }));
        void draining.then((done) => {
          if (mine === newest) report = done;
        });
        return context.json(drainJson(principal, report), 202);
      },
    ),
    GET: operation(
      {
        id: "getDrain",
        tag: "Lifecycle",
        summary: "Show how far the drain is",
        description: "Its progress while it lasts, and its report once it is through.",
        answers: { 200: { description: "The drain.", content: { "application/json": DrainState } } },
      },
      (context) => context.json(drainJson(principal, report)),
    ),
    DELETE: operation(
      {
        id: "undoDrain",
        tag: "Lifecycle",
        summary: "Take a drain back",
        description:
          "Agents are let in again at once. Sessions whose turn has not come stay; those whose turn has come go, and come back at the slot they were told. The report is there when they are gone.",
        answers: { 200: { description: "Taken back.", content: { "application/json": DrainState } } },
        errors: ["conflict"],
      },
      (context) => {
        principal.undrain();
        return context.json(drainJson(principal, report));
      },
    ),
  });

  route(app, "/v1/admission", {
    GET: operation(
      {
        id: "getAdmission",
        tag: "Lifecycle",
        summary: "Show who waits at the agents' port",
        answers: { 200: { description: "Counts.", content: { "application/json": AdmissionState } } },
        errors: ["not_found"],
      },
      (context) => context.json(listenerOf(principal).stats()),
    ),
    PATCH: operation(
      {
        id: "changeAdmission",
        tag: "Lifecycle",
        summary: "Change how fast agents are let in",
        description: "The new settings hold at once; what is left out stays as it is.",
        body: { schema: AdmissionBody, optional: true, example: { ratePerSecond: 200 } },
        answers: { 200: { description: "Counts.", content: { "application/json": AdmissionState } } },
        errors: ["not_found"],
      },
      (context, { body }) => {
        const listener = listenerOf(principal);
        checkRate(body.ratePerSecond);
        try {
          listener.configure(definedOnly(body));
        } catch (thrown) {
          throw new HawserError("invalid_message", HawserError.from(thrown).message, { cause: thrown });
        }
        return context.json(listener.stats());
      },
    ),
  });
}

/** Whoever has the token can slow newcomers down, but not shut the fleet out by a rate of next to nothing. */
function checkRate(ratePerSecond: number | undefined): void {
  if (ratePerSecond === undefined || ratePerSecond >= 1) return;
  throw new HawserError(
    "invalid_message",
    "admission.ratePerSecond must be 1 or more: less keeps agents out",
  );
}

function listenerOf({ listener }: Pick<Principal, "listener">): NonNullable<Principal["listener"]> {
  if (listener !== undefined) return listener;
  throw new HawserError("not_found", "this principal has no port of its own, so nobody waits at it");
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
