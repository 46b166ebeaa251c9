import { HawserError } from "@hawser/protocol";
import { systemTimers, type Logger } from "@hawser/runtime";
import type { PrincipalObserver, PrincipalOptions } from "@hawser/principal";
import type { Connection } from "@hawser/transport";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { World, type SimulatedAgent } from "./testing/world.js";
import type { AgentObserver, AgentOptions } from "./agent.js";

/**
 * What an agent or a principal is made of may throw: its session ends, or goes on, and the agent beside it does not notice. Virtual time rejects with what a timer or an
 * event throws; a promise that nobody waits for is counted here. Either would end a process.
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
  throw new Error("a fault of a part");
}

/** The same object, but a call of this method throws for as long as `isBroken` says so. */
function throwingAt<T extends object>(whole: T, method: keyof T, isBroken: () => boolean): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name === method && isBroken()) return thrower;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const LOGGER: readonly (keyof Logger)[] = ["debug", "info", "warn", "error", "child"];
const CONNECTION: readonly (keyof Connection)[] = ["open", "send", "close", "terminate", "pause", "resume"];
const SESSION_OBSERVER = [
  "opened",
  "sent",
  "acked",
  "nacked",
  "deadLettered",
  "applied",
  "skipped",
  "refused",
  "ended",
] as const;

let isBroken = false;
const broken = (): boolean => isBroken;
const throwing = (): void => {
  if (isBroken) thrower();
};

type AgentParts = Partial<AgentOptions>;
/** What an agent is made of instead, from what it would be made of. */
type BreakAgent = (parts: Pick<AgentOptions, "store" | "dialer" | "runtime">) => AgentParts;

const AGENT: readonly (readonly [string, BreakAgent])[] = [
  ...LOGGER.map((name): [string, BreakAgent] => [
    `logger.${name}`,
    ({ runtime }) =>
      runtime === undefined
        ? {}
        : { runtime: { ...runtime, logger: throwingAt(runtime.logger, name, broken) } },
  ]),
  ...(["state", "logLineSuppressed", ...SESSION_OBSERVER] as const).map((name): [string, BreakAgent] => [
    `observer.${name}`,
    () => ({ observer: { [name]: throwing } satisfies AgentObserver }),
  ]),
  [
    "dialer.dial",
    ({ dialer }) =>
      ({ dialer: throwingAt("dial" in dialer ? dialer : { ...dialer[0] }, "dial", broken) }) as AgentParts,
  ],
  ...CONNECTION.map((name): [string, BreakAgent] => [
    `connection.${name}`,
    ({ dialer }) =>
      "dial" in dialer
        ? {
            dialer: {
              transport: dialer.transport,
              dial: async (options) => throwingAt(await dialer.dial(options), name, broken),
            },
          }
        : {},
  ]),
  ...(["standing", "open", "append"] as const).map((name): [string, BreakAgent] => [
    `store.${name}`,
    ({ store }) => ({ store: throwingAt(store, name, broken) }),
  ]),
  ["onEvent", () => ({ onEvent: throwing })],
  ...(["apply", "delete"] as const).map((name): [string, BreakAgent] => [
    `handler.${name}`,
    () => ({
      handlers: {
        Job: { apply: () => Promise.resolve(), delete: () => Promise.resolve(), [name]: throwing },
      },
    }),
  ]),
];

const OBSERVER: readonly (keyof PrincipalObserver)[] = [
  "accepted",
  "rejected",
  "discarded",
  "sessionRefused",
  "logLineSuppressed",
  "gone",
];

type BreakPrincipal = (world: World) => Partial<PrincipalOptions>;
/** For the agent `one` alone, where it can tell. */
const forOne = (agent: string): void => {
  if (agent === "one") throwing();
};

const PRINCIPAL: readonly (readonly [string, BreakPrincipal])[] = [
  ...LOGGER.map((name): [string, BreakPrincipal] => [
    `logger.${name}`,
    ({ principalHost: { runtime } }) => ({
      runtime: { ...runtime, logger: throwingAt(runtime.logger, name, broken) },
    }),
  ]),
  ...OBSERVER.map((name): [string, BreakPrincipal] => [
    `observer.${name}`,
    () => ({ observer: { [name]: throwing } }),
  ]),
  ["observer.link", () => ({ observer: { link: (agent) => (forOne(agent), {}) } })],
  ...SESSION_OBSERVER.map((name): [string, BreakPrincipal] => [
    `observer.link().${name}`,
    () => ({ observer: { link: (agent) => ({ [name]: () => forOne(agent) }) } }),
  ]),
  ["authenticate", () => ({ authenticate: (_peer, { agent }) => (forOne(agent), { ok: true }) })],
  ["onEvent", () => ({ onEvent: ({ agent }) => Promise.resolve(forOne(agent)) })],
];

/** Everything the two go through while a part is broken, and the agent beside them. */
async function live(
  world: World,
  one: SimulatedAgent,
  principal: Awaited<ReturnType<World["principal"]>>["principal"],
) {
  const attempt = (work: () => Promise<unknown>): Promise<unknown> =>
    world.settled((async () => work())().catch(() => {}));
  const event = (id: string) => ({
    specversion: "1.0" as const,
    id,
    source: "/test",
    type: "com.example.v1",
    resourceid: "a_1",
  });
  let round = 0;
  const traffic = async (): Promise<void> => {
    round += 1;
    await attempt(() => principal.resources.put("one", "Job", "a", round));
    await attempt(() => principal.resources.put("one", "None", `b${round}`, round));
    await attempt(() => principal.publish("one", event(`c${round}`)));
    await attempt(() => principal.publish("one", { ...event("bad"), resourceid: "" }));
    await attempt(() => one.agent.publish(event(`d${round}`)));
    await attempt(() => principal.resources.delete("one", "Job", "a"));
    await world.virtual.advance(2_000);
  };
  await traffic();
  await world.settled(one.agent.start().catch(() => {}));
  await world.virtual.advance(5_000);
  await traffic();
  isBroken = true;
  await traffic();
  one.agent.rotate();
  await world.virtual.advance(5_000);
  await traffic();
  await world.virtual.advance(120_000);
  isBroken = false;
  await world.virtual.advance(300_000);
  await traffic();
}

async function staysWell(
  world: World,
  two: SimulatedAgent,
  principal: Awaited<ReturnType<World["principal"]>>["principal"],
) {
  const before = two.applied.length;
  await world.settled(principal.resources.put("two", "Job", `w${before}`, before));
  await world.until(() => two.applied.length > before);
}

const handlers = {
  Job: { apply: () => Promise.resolve({ done: true }), delete: () => Promise.resolve() },
};

beforeEach(() => {
  isBroken = false;
});

describe("what throws is the end of its owner at most, who comes back", () => {
  it.each(AGENT)("at the agent: %s", async (_, breakIt) => {
    const world = new World(7);
    const { principal } = await world.principal();
    const parts = await world.agent({ name: "one" });
    const given = {
      store: parts.store,
      dialer: world.network.dialer({ from: parts.host, to: "principal:443" }),
      runtime: parts.host.runtime,
    };
    const one = await world.agent({ handlers, onEvent: () => {}, ...given, ...breakIt(given) });
    const two = await world.agent({ name: "two", handlers });
    await world.settled(two.agent.start());
    await live(world, one, principal);
    await staysWell(world, two, principal);
    expect(one.agent.state.kind).toBe("connected");
    await world.settled(one.agent.stop());
    await new Promise<void>((resolve) => void systemTimers.soon(resolve));
    expect(unhandled).toEqual([]);
    expect(two.states.filter(({ state }) => state.kind === "waiting")).toEqual([]);
  });

  it.each(PRINCIPAL)("at the principal: %s", async (_, breakIt) => {
    const world = new World(7);
    const { principal } = await world.principal(breakIt(world));
    const one = await world.agent({ handlers, onEvent: () => {} });
    const two = await world.agent({ name: "two", handlers });
    await world.settled(two.agent.start());
    await live(world, one, principal);
    await staysWell(world, two, principal);
    expect(one.agent.state.kind).toBe("connected");
    await world.settled(one.agent.stop());
    await new Promise<void>((resolve) => void systemTimers.soon(resolve));
    expect(unhandled).toEqual([]);
    expect(two.states.filter(({ state }) => state.kind === "waiting")).toEqual([]);
  });
});

it("a dialer that rejects with anything is a failed dial", async () => {
  const world = new World(7);
  await world.principal();
  const one = await world.agent({
    dialer: { transport: "none", dial: () => Promise.reject(new HawserError("internal", "x")) },
  });
  await world.settled(one.agent.start());
  await world.until(() => one.agent.state.kind === "waiting");
  await world.settled(one.agent.stop());
});
