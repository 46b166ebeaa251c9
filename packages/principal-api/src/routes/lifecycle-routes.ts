import type { DrainReport, Principal } from "@hawser/principal";
import { HawserError, LIMITS } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import { z } from "zod";
import { json } from "../openapi/operation.js";
import type { Serve } from "./routes.js";
import { AdmissionState, DrainState } from "../openapi/status-schemas.js";

const Milliseconds = z.number().min(0).max(LIMITS.maxDurationMs).optional();

const DrainBody = z.strictObject({
  reason: z.string().min(1).max(256).optional(),
  shape: z.enum(["handover", "restart"]).optional(),
  windowMs: Milliseconds,
  leadMs: Milliseconds,
  answerWaitMs: Milliseconds,
  returnAfterMs: Milliseconds,
  graceMs: Milliseconds,
});

const Setting = z.number().optional();

const AdmissionBody = z.strictObject({
  ratePerSecond: Setting,
  burst: Setting,
  maxHandshakes: Setting,
  handshakeTimeoutMs: Setting,
  maxUnauthenticated: Setting,
  maxWaiting: Setting,
  maxWaitMs: Setting,
  maxRefusing: Setting,
  failuresPerSecond: Setting,
  maxSlotMs: Setting,
});

/** What a drain through the API takes where the request does not say. */
const DRAIN_DEFAULTS = { reason: "asked to over the API", windowMs: 5_000 } as const;

type DrainParts = Pick<Principal, "drain" | "undrain" | "draining" | "state" | "gate">;

/** How agents come and go: the drain, and how fast they are let in. */
export function lifecycleRoutes(serve: Serve, principal: DrainParts & Pick<Principal, "listener">): void {
  drainRoutes(serve, principal);
  serve("GET", "/v1/admission", {
    id: "getAdmission",
    summary: "Show who waits at the agents' port",
    answers: { 200: json("Counts.", AdmissionState) },
    errors: ["not_found"],
    handle: (context) => context.json(listenerOf(principal).stats()),
  });
  serve("PATCH", "/v1/admission", {
    id: "changeAdmission",
    summary: "Change how fast agents are let in",
    description: "The new settings hold at once; what is left out stays as it is.",
    body: { schema: AdmissionBody, optional: true, example: { ratePerSecond: 200 } },
    answers: { 200: json("Counts.", AdmissionState) },
    errors: ["not_found"],
    handle: (context, { body }) => {
      const listener = listenerOf(principal);
      checkRate(body.ratePerSecond);
      try {
        listener.configure(defined(body));
      } catch (thrown) {
        throw new HawserError("invalid_message", HawserError.from(thrown).message, { cause: thrown });
      }
      return context.json(listener.stats());
    },
  });
}

function drainRoutes(serve: Serve, principal: DrainParts): void {
  let report: DrainReport | undefined;
  /** Of the drain that was begun last: one that was taken back may end after the next one has begun. */
  let newest = 0;

  // Answers at once: its caller, such as a preStop hook, may be gone before the drain has ended.
  serve("POST", "/v1/drain", {
    id: "startDrain",
    summary: "Let every session go",
    description: "Answers at once; ask again, or GET, to see how far it is. Asking again changes nothing.",
    body: { schema: DrainBody, optional: true, example: { shape: "handover", windowMs: 20_000 } },
    answers: { 202: json("Under way.", DrainState) },
    handle: (context, { body }) => {
      if (principal.draining === undefined) {
        report = undefined;
        newest += 1;
      }
      const mine = newest;
      const draining = principal.drain({ ...DRAIN_DEFAULTS, ...defined(body) });
      void draining.then((done) => {
        if (mine === newest) report = done;
      });
      return context.json(drainJson(principal, report), 202);
    },
  });
  serve("GET", "/v1/drain", {
    id: "getDrain",
    summary: "Show how far the drain is",
    description: "Its progress while it lasts, and its report once it is through.",
    answers: { 200: json("The drain.", DrainState) },
    handle: (context) => context.json(drainJson(principal, report)),
  });
  serve("DELETE", "/v1/drain", {
    id: "undoDrain",
    summary: "Take a drain back",
    description:
      "Agents are let in again at once. Sessions whose turn has not come stay; those whose turn has come go, and come back at the slot they were told. The report is there when they are gone.",
    answers: { 200: json("Taken back.", DrainState) },
    errors: ["conflict"],
    handle: (context) => {
      principal.undrain();
      return context.json(drainJson(principal, report));
    },
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

function drainJson(
  { draining, state, gate }: Pick<Principal, "draining" | "state" | "gate">,
  report: DrainReport | undefined,
): Record<string, unknown> {
  const unsettled = report && Object.fromEntries(report.unsettled);
  return { state, gate, progress: draining, report: report && { ...report, unsettled } };
}
