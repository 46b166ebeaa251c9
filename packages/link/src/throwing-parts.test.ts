import { HawserError } from "@hawser/protocol";
import { systemTimers, type Logger, type Runtime } from "@hawser/runtime";
import { createVirtualRuntime } from "@hawser/testkit";
import type { Connection } from "@hawser/transport";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LinkObserver } from "./link-observer.js";
import type { Outcome } from "./delivery.js";
import { command, TwoSides, type Side } from "./testing/two-sides.js";

/**
 * Whatever a link is given may throw, at any time: its session ends, or goes on. A virtual clock rejects with what a timer or an event of a connection throws, and a
 * promise that nobody waits for is counted here: either would end a process.
 */
const unhandled: unknown[] = [];
const count = (thrown: unknown): void => void unhandled.push(thrown);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", count);
});
afterEach(() => {
  process.off("unhandledRejection", count);
});

function thrower(): never {
  throw new Error("a fault of the owner");
}

function wordless(): Error {
  return Object.create(null) as Error;
}

function throwWordless(): never {
  throw wordless();
}

/** The same object, but a call of this method throws. */
function throwingAt<T extends object>(whole: T, method: keyof T): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name === method) return thrower;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const OBSERVED: readonly (keyof LinkObserver)[] = [
  "opened",
  "sent",
  "acked",
  "nacked",
  "deadLettered",
  "applied",
  "skipped",
  "refused",
  "ended",
];
const CALLBACKS = ["onMessage", "onUnreadable", "onOpened", "onRotationRequested", "onEnded"] as const;
const CONNECTION: readonly (keyof Connection)[] = ["send", "close", "terminate", "pause", "resume"];
const STORE = ["open", "append"] as const;
const LEASE = [
  "first",
  "inbox",
  "standing",
  "use",
  "read",
  "acknowledge",
  "deadLetter",
  "begin",
  "record",
  "settle",
  "joined",
  "flush",
  "close",
] as const;
const LOGGER: readonly (keyof Logger)[] = ["debug", "info", "warn", "error", "child"];

type Break = (sides: TwoSides, side: Side) => void;

const PLACES: readonly (readonly [string, Break])[] = [
  ...OBSERVED.map((name): [string, Break] => [
    `observer.${name}`,
    (_, side) => Object.assign(side.observer, { [name]: thrower }),
  ]),
  ...CALLBACKS.map((name): [string, Break] => [
    name,
    (sides) => {
      sides.extra = { ...sides.extra, [name]: thrower };
    },
  ]),
  ...CONNECTION.map((name): [string, Break] => [
    `connection.${name}`,
    (sides) => {
      sides.wrap = (connection) => throwingAt(connection, name);
    },
  ]),
  ...STORE.map((name): [string, Break] => [
    `store.${name}`,
    (_, side) => Object.assign(side, { store: throwingAt(side.store, name) }),
  ]),
  ...LEASE.map((name): [string, Break] => [
    `lease.${name}`,
    (_, side) => {
      const open = side.store.open.bind(side.store);
      const broken: typeof open = async (...args) => throwingAt(await open(...args), name);
      Object.assign(side, {
        store: Object.assign(Object.create(side.store) as Side["store"], { open: broken }),
      });
    },
  ]),
  ...LOGGER.map((name): [string, Break] => [
    `logger.${name}`,
    (sides) => {
      sides.runtime = withLogger(sides.runtime, throwingAt(sides.runtime.logger, name));
    },
  ]),
  [
    "observer.ended and the logger that is told",
    (sides, side) => {
      Object.assign(side.observer, { ended: thrower });
      sides.runtime = withLogger(sides.runtime, throwingAt(sides.runtime.logger, "error"));
    },
  ],
  ["a handler", (_, side) => Object.assign(side, { handler: thrower })],
  [
    "a handler that rejects with nothing",
    (_, side) => Object.assign(side, { handler: () => Promise.reject(undefined as unknown as Error) }),
  ],
  [
    "a handler that rejects with what has no words",
    (_, side) => Object.assign(side, { handler: () => Promise.reject(wordless()) }),
  ],
  [
    "an observer that throws what has no words",
    (_, side) =>
      Object.assign(side.observer, Object.fromEntries(OBSERVED.map((name) => [name, throwWordless]))),
  ],
  [
    "an outcome that is none",
    (_, side) => Object.assign(side, { handler: () => Promise.resolve(undefined as unknown as Outcome) }),
  ],
  [
    "an outcome with an error that throws",
    (_, side) =>
      Object.assign(side, {
        handler: (): Outcome => ({
          kind: "retry",
          error: throwingAt(new HawserError("handler_failed", "x"), "code"),
        }),
      }),
  ],
];

function withLogger(runtime: Runtime, logger: Logger): Runtime {
  return { ...runtime, logger };
}

/** Everything a session goes through, as far as it gets. */
async function liveThrough(sides: TwoSides): Promise<void> {
  const publish = async (from: Side, peer: string, count: number): Promise<void> => {
    const drafts = Array.from({ length: count }, (_, index) => command(`r${index % 3}`));
    const poison = command("r1", { type: "hawser.none.v1" });
    await sides.publish(from, peer, [...drafts, poison]).catch(() => {});
  };
  let attempts = 0;
  const outcome = (): Outcome => {
    attempts += 1;
    if (attempts % 5 === 2) return { kind: "retry", error: new HawserError("handler_failed", "later") };
    if (attempts % 5 === 3) return { kind: "rejected", error: new HawserError("handler_rejected", "no") };
    if (attempts % 5 === 4) return { kind: "discarded" };
    return { kind: "applied" };
  };
  for (const side of [sides.agent, sides.principal])
    if (side.handler.name !== "thrower" && !Object.hasOwn(side, "broken")) side.handler = outcome;
  await publish(sides.agent, "principal", 6);
  await publish(sides.principal, "edge-1", 6);
  const first = await sides.connect().catch(() => undefined);
  await sides.world.advance(2_000);
  await publish(sides.principal, "edge-1", 6);
  await publish(sides.agent, "principal", 6);
  await sides.world.advance(2_000);
  if (first !== undefined) await sides.rotate(first).catch(() => undefined);
  const second = await sides.connect().catch(() => undefined);
  await sides.world.advance(2_000);
  second?.fail(new HawserError("internal", "an end"));
  await sides.world.advance(30_000);
  const third = await sides.connect().catch(() => undefined);
  await publish(sides.principal, "edge-1", 2);
  third?.fail(new HawserError("internal", "the end"));
  await sides.world.advance(120_000);
}

describe.each(["agent", "principal"] as const)(
  "what throws at the %s is the end of its session at most",
  (where) => {
    it.each(PLACES)("%s", async (_, breakIt) => {
      const world = createVirtualRuntime({ seed: 1 });
      const bystander = new TwoSides(1, undefined, world);
      await bystander.start();
      await bystander.connect();
      const sides = new TwoSides(1, undefined, world);
      await sides.start();
      breakIt(sides, sides[where]);
      Object.assign(sides[where], { broken: true });
      await liveThrough(sides);
      await bystander.publish(bystander.principal, "edge-1", [command("well")]);
      await bystander.publish(bystander.agent, "principal", [command("well")]);
      await world.advance(1_000);
      expect(bystander.agent.applied).toEqual(["well_u1@1"]);
      expect(bystander.principal.applied).toEqual(["well_u1@1"]);
      expect([bystander.agentEnds, bystander.principalEnds]).toEqual([[], []]);
      // A promise that was rejected and that nobody waits for is told of a turn later.
      await new Promise<void>((resolve) => void systemTimers.soon(resolve));
      expect(unhandled).toEqual([]);
    });
  },
);
