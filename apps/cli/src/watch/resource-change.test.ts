import { expect, it } from "vitest";
import type { Resource } from "../api/schemas.js";
import { KnownResources } from "./resource-change.js";

function resource(name: string, version = "1", agent = "edge"): Resource {
  return { agent, kind: "Task", name, uid: "u", state: "pending", version, spec: {} };
}

it("tells what differs from what was told before, and what is gone", () => {
  const known = new KnownResources();
  const [one, two] = [resource("one"), resource("two")];
  expect(known.put("edge", [one, two])).toEqual([
    { change: "resource", resource: one },
    { change: "resource", resource: two },
  ]);
  expect(known.put("edge", [one, two])).toEqual([]);
  const changed = resource("two", "2");
  expect(known.put("edge", [changed])).toEqual([
    { change: "resource", resource: changed },
    { change: "gone", agent: "edge", kind: "Task", name: "one" },
  ]);
  expect(known.agents).toEqual(["edge"]);
  expect(known.put("edge", [])).toEqual([{ change: "gone", agent: "edge", kind: "Task", name: "two" }]);
  expect(known.agents).toEqual([]);
});

it("knows when there are more than it keeps apart", () => {
  const known = new KnownResources(2);
  known.put("a", [resource("one", "1", "a"), resource("two", "1", "a")]);
  expect(known.isOverfull).toBe(false);
  known.put("b", [resource("one", "1", "b")]);
  expect(known.isOverfull).toBe(true);
  known.put("a", []);
  expect(known.isOverfull).toBe(false);
});
