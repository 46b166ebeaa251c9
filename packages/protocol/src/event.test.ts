import { expect, test } from "vitest";
import { HawserError } from "./errors.js";
import { eventClass, supersedes, type EventClass } from "./event.js";
import { isJsonContentType } from "./media-type.js";

const CLASSES: readonly EventClass[] = ["spec", "status", "delete", "command"];

test("only the three state types are states", () => {
  expect(eventClass("hawser.resource.spec.v1")).toBe("spec");
  expect(eventClass("hawser.resource.status.v1")).toBe("status");
  expect(eventClass("hawser.resource.delete.v1")).toBe("delete");
  for (const type of ["restart", "hawser.resource.spec.v2", "spec", ""])
    expect(eventClass(type)).toBe("command");
});

test("spec supersedes spec, status supersedes status, delete supersedes every state, commands stay out of it", () => {
  const superseded = (newer: EventClass): EventClass[] => CLASSES.filter((older) => supersedes(newer, older));
  expect(superseded("spec")).toEqual(["spec"]);
  expect(superseded("status")).toEqual(["status"]);
  expect(superseded("delete")).toEqual(["spec", "status", "delete"]);
  expect(superseded("command")).toEqual([]);
});

test("what counts as JSON", () => {
  const json = [
    undefined,
    "application/json",
    "Application/JSON; charset=utf-8",
    "text/json",
    "application/problem+json",
  ];
  const other = [
    "text/plain",
    "application/jsonx",
    "application/json-seq",
    "json",
    "+json",
    "application/octet-stream",
  ];
  expect(json.filter((type) => !isJsonContentType(type))).toEqual([]);
  expect(other.filter((type) => isJsonContentType(type))).toEqual([]);
});

test("whatever was thrown becomes one HawserError, once", () => {
  const cause = new TypeError("boom");
  const error = HawserError.from(cause, "handler_failed");
  expect(error).toMatchObject({ name: "HawserError", code: "handler_failed", message: "boom", cause });
  expect(HawserError.from(error)).toBe(error);
  expect(HawserError.from("text")).toMatchObject({ code: "internal", message: "text" });
});
