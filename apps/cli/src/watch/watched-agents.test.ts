import { beforeEach, expect, it } from "vitest";
import type { Agent } from "../api/schemas.js";
import { WatchedAgents } from "./watched-agents.js";

let agents: WatchedAgents;

beforeEach(() => {
  agents = new WatchedAgents(4);
});

function agent(name: string, pending = 0, more: Partial<Agent> = {}): Agent {
  return { name, state: "disconnected", reason: "", pending, deadLetters: 0, ...more };
}

const SESSION = { transport: "ws-json", ageMs: 1_000, inFlight: 0, software: "t" };

it("keeps the first of them in the order asked for, and sums up all", () => {
  agents.put(agent("c", 5), 0);
  agents.put(agent("a", 1, { state: "connected", lastSeenAt: "2026-01-02T00:00:00.000Z" }), 0);
  agents.put(agent("d", 5, { deadLetters: 2, lastSeenAt: "2026-01-01T00:00:00.000Z" }), 0);
  agents.put(agent("b", 9), 0);
  const names = (sort: "name" | "pending" | "lastSeenAt", order: "asc" | "desc", count = 3): string =>
    agents
      .view({ sort, order }, 0, count, 0)
      .shown.map(({ name }) => name)
      .join("");
  expect(names("name", "asc")).toBe("abc");
  expect(names("name", "desc")).toBe("dcb");
  expect(names("pending", "asc")).toBe("acd");
  expect(names("pending", "desc")).toBe("bdc");
  expect(names("lastSeenAt", "desc")).toBe("adc");
  expect(names("lastSeenAt", "asc", 9)).toBe("bcda");
  expect(agents.view({ sort: "name", order: "asc" }, 0, 1, 0)).toMatchObject({
    known: 4,
    connected: 1,
    pending: 20,
    deadLetters: 2,
  });
});

it("keeps as many as it may, and not one more, but goes on to hear of those", () => {
  for (const name of ["a", "b", "c", "d"]) expect(agents.put(agent(name), 0)).toBe(true);
  expect(agents.put(agent("e"), 0)).toBe(false);
  expect(agents.put(agent("d", 3), 0)).toBe(true);
  agents.remove("a");
  expect(agents.put(agent("e"), 0)).toBe(true);
  expect(agents.size).toBe(4);
});

it("sessions grow older between two changes", () => {
  agents.put(agent("a", 0, { session: SESSION }), 500);
  const [seen] = agents.view({ sort: "name", order: "asc" }, 0, 1, 3_500).shown;
  expect(seen?.session?.ageMs).toBe(4_000);
});

it("shows any part of the list, near its beginning and far behind it", () => {
  const many = new WatchedAgents();
  for (let n = 0; n < 2_000; n += 1) many.put(agent(`a${(n * 7919) % 2_000}`, n), 0);
  const names = [...Array(2_000).keys()].map((n) => `a${n}`).sort();
  const at = (offset: number): readonly string[] =>
    many.view({ sort: "name", order: "asc" }, offset, 3, 0).shown.map(({ name }) => name);
  for (const offset of [0, 1, 497, 498, 1_500, 1_997])
    expect(at(offset)).toEqual(names.slice(offset, offset + 3));
  expect(at(1_999)).toEqual(names.slice(1_999));
});
