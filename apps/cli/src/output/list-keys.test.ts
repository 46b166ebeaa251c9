import { expect, it } from "vitest";
import { keysOf, ListState, naturalOrder, positionText, type Key } from "./list-keys.js";

it("knows keys as different terminals send them, several at once too, and passes over others", () => {
  expect(keysOf("\u001b[A\u001bOB\u001b[6~x\u001b[1;5Cq")).toEqual(["up", "down", "pageDown", "quit"]);
  expect(keysOf("\u001b[H\u001b[4~gG ?sr\u0003")).toEqual([
    "home",
    "end",
    "home",
    "end",
    "pageDown",
    "keys",
    "sort",
    "reverse",
    "quit",
  ]);
});

function press(state: ListState, keys: readonly Exclude<Key, "quit">[], total = 50, room = 10): number {
  for (const key of keys) state.press(key, total, room);
  return state.offset(total, room);
}

it("stays within the list", () => {
  const state = new ListState(naturalOrder("name"));
  expect(press(state, ["up"])).toBe(0);
  expect(press(state, ["down", "down"])).toBe(2);
  expect(press(state, ["pageDown"])).toBe(12);
  expect(press(state, ["end", "down", "pageDown"])).toBe(40);
  expect(press(state, ["pageUp"])).toBe(30);
  expect(press(state, ["home"])).toBe(0);
  expect(press(state, ["end"], 3)).toBe(0);
});

it("moves up with a list that has become shorter", () => {
  const state = new ListState(naturalOrder("name"));
  press(state, ["end"]);
  expect(state.offset(20, 10)).toBe(10);
});

it("goes through the orders, each the way round one wants it, and begins anew", () => {
  const state = new ListState(naturalOrder("name"));
  press(state, ["end", "sort"]);
  expect([state.order, state.offset(50, 10)]).toEqual([{ sort: "pending", order: "desc" }, 0]);
  press(state, ["reverse"]);
  expect(state.order).toEqual({ sort: "pending", order: "asc" });
  press(state, ["sort", "sort"]);
  expect(state.order).toEqual({ sort: "name", order: "asc" });
});

it("shows the keys until the next one", () => {
  const state = new ListState(naturalOrder("name"));
  state.press("keys", 50, 10);
  expect(state.showsKeys).toBe(true);
  state.press("keys", 50, 10);
  expect(state.showsKeys).toBe(false);
  press(state, ["keys", "down"]);
  expect([state.showsKeys, state.offset(50, 10)]).toEqual([false, 1]);
});

it("says where one is", () => {
  expect(positionText(naturalOrder("pending"), 10, 10, 50)).toBe("11 to 20 of 50, by pending down");
  expect(positionText(naturalOrder("name"), 0, 3, 3)).toBe("all 3, by name up");
});
