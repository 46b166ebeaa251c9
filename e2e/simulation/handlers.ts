import type { DeletedResource, DesiredResource, HandlerContext, ResourceHandler } from "@hawser/agent";
import { HawserError, resourceId, type HawserEvent, type JsonValue } from "@hawser/protocol";
import type { VirtualHost } from "@hawser/testkit";
import { commandContent, specContent } from "./identity.js";
import type { Direction } from "./ledger.js";
import { chance } from "./plan.js";
import type { Term } from "./checkers/term-checker.js";
import type { Things } from "./things.js";
import type { World } from "./world.js";

export interface HandlerParts {
  readonly world: World;
  readonly host: VirtualHost;
  readonly agent: string;
  /** Where a principal applies. */
  readonly at?: Pick<Term, "principal" | "store">;
}

/** Marks a report that has to be dropped: a newer version was handed to the handler before it. */
export const LATE = "late";

/** How often a handler hangs. One of a principal that may be taken over does so more often, so that it runs on when its agent has gone elsewhere. */
const HANG_SHARE = 0.02;
const SHARED_HANG_SHARE = 0.15;

/** Takes time, sometimes very long, and fails before or after its effect while faults last. */
async function work(parts: HandlerParts, rejects: boolean, effect: () => void): Promise<void> {
  const { world } = parts;
  const { random, plan } = world;
  const isFaulty = !world.isHealed && plan.flavour !== "rotations";
  await nap(parts, random.next() * plan.maxHandlerMs);
  const isUp = parts.at !== undefined && plan.shared !== undefined;
  if (isFaulty && chance(random, isUp ? SHARED_HANG_SHARE : HANG_SHARE))
    await nap(parts, random.next() * plan.hangMs);
  if (rejects) throw new HawserError("handler_rejected", "the handler refuses this for good");
  if (isFaulty && chance(random, 0.05)) throw new Error("failed before its effect");
  effect();
  await nap(parts, random.next() * plan.maxHandlerMs);
  if (isFaulty && chance(random, 0.05)) throw new Error("failed after its effect");
}

/** On the host's timers: what sleeps in a process dies with it. */
async function nap({ host }: HandlerParts, ms: number): Promise<void> {
  if (ms < 0.5) return;
  await new Promise<void>((resolve) => host.runtime.timers.after(ms, resolve));
}

/** Makes things, reports them, now and later. */
export class ThingHandler implements ResourceHandler {
  readonly #parts: HandlerParts;
  readonly #things: Things;

  constructor(parts: HandlerParts, things: Things) {
    this.#parts = parts;
    this.#things = things;
  }

  async apply(resource: DesiredResource, context: HandlerContext): Promise<JsonValue> {
    const { name, uid, spec, version } = resource;
    const call = this.#things.began(name);
    const running = this.#running(resource, specContent(spec));
    try {
      await work(this.#parts, isRejecting(spec), () => {
        const before = this.#things.made.get(name);
        if (before?.isKnown() === true && before.uid !== uid)
          this.#parts.world.findings.violation("an old life goes first", `${name} is still ${before.uid}`);
        this.#things.make(name, { uid, version, spec }, running.isRecorded);
        running.effect();
      });
    } finally {
      running.ended();
    }
    this.#reportLater(resource, context, call);
    return this.#say(resource);
  }

  async delete(resource: DeletedResource): Promise<void> {
    const { name, uid } = resource;
    this.#things.began(name);
    const running = this.#running(resource, undefined);
    try {
      await work(this.#parts, false, () => {
        if (this.#things.made.get(name)?.uid === uid) this.#things.made.delete(name);
        running.effect();
      });
    } finally {
      running.ended();
    }
    this.#things.said.delete(name);
  }

  async restore(resource: DesiredResource, context: HandlerContext): Promise<void> {
    this.#things.began(resource.name);
    void context.report(this.#say(resource)).catch(() => {});
  }

  #running({ name, uid, version, attempt }: DeletedResource, content: string | undefined) {
    const { world, agent } = this.#parts;
    const resourceid = resourceId(name, uid);
    return world.apply.began({
      direction: "down",
      agent,
      resourceid,
      version: Number(version),
      attempt,
      content,
    });
  }

  #say({ name, uid, version, spec }: DesiredResource): JsonValue {
    const seq = this.#parts.world.ledger.tick();
    this.#things.said.set(name, { uid, observed: version, seq });
    return { has: spec, seq };
  }

  #reportLater(resource: DesiredResource, context: HandlerContext, call: object): void {
    const { world, host } = this.#parts;
    if (!chance(world.random, 0.3)) return;
    host.runtime.timers.after(world.random.next() * 2_000, () => {
      const isNewest = this.#things.isNewest(resource.name, call);
      const status = isNewest ? this.#say(resource) : LATE;
      void context.report(status).catch(() => {});
    });
  }
}

/** What both sides give a handler, and what a principal gives it besides. */
interface Command {
  readonly event: HawserEvent;
  readonly attempt: number;
  readonly epoch?: number;
  readonly signal?: AbortSignal;
}

export function handleCommand(parts: HandlerParts & { readonly direction: Direction }) {
  return async ({ event, attempt, epoch, signal }: Command): Promise<void> => {
    const { world, agent, direction, at, host } = parts;
    const { incarnation } = host;
    const { resourceid, eventid } = event;
    const content = commandContent(event);
    const running = world.apply.began({
      direction,
      agent,
      resourceid,
      version: Number(eventid),
      attempt,
      content,
      ...(at === undefined || epoch === undefined || signal === undefined
        ? {}
        : { term: { ...at, incarnation, agent, epoch, signal } }),
    });
    try {
      await work(parts, isRejecting(event.data), () => running.effect());
    } finally {
      running.ended();
    }
  };
}

/** Specs and commands are numbers or carry one; one in nineteen is refused for good. */
export function isRejecting(data: unknown): boolean {
  return typeof data === "number" && data % 19 === 7;
}
