import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./packages/workspace.mjs";

/** The floors of the house, from the top. A package needs only what lies below its own. */
const FLOORS = [
  ["principal-api", "metrics"],
  ["principal", "agent"],
  ["link", "listener", "service"],
  ["transport-ws", "transport-grpc", "store-journal", "testkit"],
  ["session", "delivery", "transport", "store", "http-binding", "platform", "telemetry"],
  ["protocol", "runtime"],
];

/** Only programs and tests choose one. */
const CONCRETE = ["transport-ws", "transport-grpc", "store-journal"];

/** @param {string} name */
function needs(name) {
  const manifest = readFileSync(join(ROOT, "packages", name, "package.json"), "utf8");
  /** @type {{ dependencies?: Record<string, string> }} */
  const { dependencies = {} } = JSON.parse(manifest);
  return Object.keys(dependencies)
    .filter((each) => each.startsWith("@hawser/"))
    .map((each) => each.slice("@hawser/".length));
}

/** @param {string} name */
const floorOf = (name) => FLOORS.findIndex((floor) => floor.includes(name));

const names = readdirSync(join(ROOT, "packages"));

test("each package has a floor", () => {
  expect(names.sort()).toEqual(FLOORS.flat().sort());
});

test.each(names)("%s needs only what is below it", (name) => {
  const beside = needs(name).filter((each) => floorOf(each) <= floorOf(name));
  expect(beside).toEqual([]);
  expect(needs(name).filter((each) => CONCRETE.includes(each))).toEqual([]);
});
