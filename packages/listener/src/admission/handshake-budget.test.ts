import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { HandshakeBudget } from "./handshake-budget.js";

interface Client {
  readonly name: string;
}

function filled(max: number, arrivals: readonly (readonly [name: string, source: string])[]) {
  const budget = new HandshakeBudget<Client>(max);
  const clients = new Map<string, Client>();
  for (const [name, source] of arrivals) {
    const client = { name };
    clients.set(name, client);
    budget.add(client, source);
  }
  const cut = (): string[] => {
    const names: string[] = [];
    for (let next = budget.takeExcess(); next !== undefined; next = budget.takeExcess())
      names.push(next.name);
    return names;
  };
  const named = (name: string): Client => {
    const client = clients.get(name);
    if (client === undefined) throw new Error(`no client ${name}`);
    return client;
  };
  return { budget, cut, named };
}

describe("who has to go", () => {
  it("is nobody within the budget", () => {
    expect(
      filled(2, [
        ["a", "x"],
        ["b", "x"],
      ]).cut(),
    ).toEqual([]);
  });

  it("is the newest of the source with the most", () => {
    const { cut, budget } = filled(3, [
      ["a", "busy"],
      ["b", "busy"],
      ["c", "busy"],
      ["d", "quiet"],
      ["e", "quiet"],
    ]);
    expect(cut()).toEqual(["c", "b"]);
    expect(budget.size).toBe(3);
  });

  it("is first of all who has stalled longest", () => {
    const { cut, budget, named } = filled(2, [
      ["a", "x"],
      ["b", "x"],
      ["c", "x"],
      ["d", "x"],
    ]);
    budget.stalled(named("b"));
    budget.stalled(named("a"));
    expect(cut()).toEqual(["b", "a"]);
  });

  it("is nobody with a good credential while there is anybody else", () => {
    const { cut, budget, named } = filled(1, [
      ["a", "busy"],
      ["b", "busy"],
      ["c", "busy"],
      ["d", "quiet"],
    ]);
    for (const name of ["a", "b", "c"]) budget.known(named(name));
    expect(cut()).toEqual(["d", "c", "b"]);
  });
});

it("forgets who is a session or gone", () => {
  const { budget, cut, named } = filled(1, [
    ["a", "x"],
    ["b", "x"],
  ]);
  budget.delete(named("a"));
  budget.delete(named("a"));
  budget.known(named("a"));
  expect(cut()).toEqual([]);
  expect(budget.size).toBe(1);
});

it("leaves all of the time up to half of the budget, and ever less from there on", () => {
  const budget = new HandshakeBudget<Client>(100);
  const timeouts: number[] = [];
  for (let count = 0; count <= 100; count += 25) {
    timeouts.push(budget.timeoutMs(12_000));
    for (let n = 0; n < 25; n += 1) budget.add({ name: `${count + n}` }, "x");
  }
  expect(timeouts).toEqual([12_000, 12_000, 12_000, 6_600, 1_200]);
  expect(budget.timeoutMs(500)).toBe(500);
});

/** Attackers open as many as they can and give nothing up; honest clients need a moment each. */
describe.each([1, 2, 3])("a source that takes all it can get, seed %i", (seed) => {
  it("is the only one that loses anybody", () => {
    const random = seededRandom(seed);
    const budget = new HandshakeBudget<Client>(100);
    const honest = new Map<Client, number>();
    const lost: string[] = [];
    for (let step = 0; step < 5_000; step += 1) {
      budget.add({ name: "attacker" }, "192.0.2.1");
      if (random.next() < 0.2) {
        const client = { name: `honest-${step}` };
        budget.add(client, `198.51.100.${Math.floor(random.next() * 200)}`);
        honest.set(client, step);
      }
      for (const [client, since] of honest)
        if (step - since > 50) {
          budget.delete(client);
          honest.delete(client);
        }
      for (let cut = budget.takeExcess(); cut !== undefined; cut = budget.takeExcess()) lost.push(cut.name);
      expect(budget.size).toBeLessThanOrEqual(100);
    }
    expect(lost.length).toBeGreaterThan(4_000);
    expect(lost.filter((name) => name !== "attacker")).toEqual([]);
  });
});
