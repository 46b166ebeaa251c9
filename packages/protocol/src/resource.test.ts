import { describe, expect, test } from "vitest";
import { parseDeleteData, parseSpecData, parseStatusData } from "./resource-data.js";
import { deleteEvent, specEvent, statusEvent } from "./resource-events.js";
import { parseResourceId, parseSubject, resourceId, subjectOf } from "./resource-id.js";
import { invalidEvent } from "./testing/expect-error.js";

const ref = { id: "1", source: "/s", kind: "ConfigFile", name: "nginx.conf", uid: "0f-A" } as const;
const identity = { kind: ref.kind, name: ref.name, uid: ref.uid };

describe("names", () => {
  test.each(["a", "0", "a-b.c", "a".repeat(253)])("a resource may be called %s", (name) => {
    expect(parseResourceId(resourceId(name, "U-1"))).toEqual({ name, uid: "U-1" });
    expect(parseSubject(subjectOf("Task", name))).toEqual({ kind: "Task", name });
  });

  test.each(["", "-a", "a-", ".a", "A", "a_b", "a/b", "ä", "a".repeat(254)])("but not %s", (name) => {
    expect(() => resourceId(name, "u")).toThrow(invalidEvent("resource name"));
    expect(() => subjectOf("Task", name)).toThrow(invalidEvent("resource name"));
    expect(() => parseResourceId(`${name}_u`)).toThrow(invalidEvent("is not <name>_<uid>"));
    expect(() => parseSubject(`Task/${name}`)).toThrow(invalidEvent("is not <kind>/<name>"));
  });

  test.each(["", "u_1", "u.1", "ü", "u".repeat(65)])("a uid may not be %s", (uid) => {
    expect(() => resourceId("a", uid)).toThrow(invalidEvent("resource uid"));
    expect(() => parseResourceId(`a_${uid}`)).toThrow(invalidEvent("is not <name>_<uid>"));
  });

  test("the longest uid and the longest kind", () => {
    expect(resourceId("a", "u".repeat(64))).toHaveLength(66);
    expect(subjectOf(`K${"k".repeat(62)}`, "a")).toHaveLength(65);
  });

  test.each(["", "task", "Task-1", "Täsk", `K${"k".repeat(63)}`])("a kind may not be %s", (kind) => {
    expect(() => subjectOf(kind, "a")).toThrow(invalidEvent("resource kind"));
    expect(() => parseSubject(`${kind}/a`)).toThrow(invalidEvent("is not <kind>/<name>"));
  });
});

describe("data of a state event", () => {
  test("is what its builder was given", () => {
    expect(parseSpecData(specEvent({ ...ref, spec: [1] }))).toEqual({ ...identity, spec: [1] });
    expect(parseStatusData(statusEvent({ ...ref, status: null, observed: "3" }))).toEqual({
      ...identity,
      status: null,
      observed: "3",
    });
    expect(parseDeleteData(deleteEvent(ref))).toEqual(identity);
  });

  test("is read as the type says, and not otherwise", () => {
    expect(() => parseSpecData(deleteEvent(ref))).toThrow(
      invalidEvent("the type must be hawser.resource.spec.v1"),
    );
    expect(() => parseStatusData(specEvent({ ...ref, spec: 1 }))).toThrow(
      invalidEvent("hawser.resource.status.v1"),
    );
    expect(() => parseDeleteData(specEvent({ ...ref, spec: 1 }))).toThrow(
      invalidEvent("hawser.resource.delete.v1"),
    );
  });

  test.each([
    ["bytes", new Uint8Array([1]), "must be a JSON object"],
    ["nothing", undefined, "must be a JSON object"],
    ["a list", [], "must be a JSON object"],
    ["another kind", { ...identity, kind: "Task" }, '"kind" of the data must be "ConfigFile"'],
    ["another name", { ...identity, name: "x" }, '"name" of the data must be "nginx.conf"'],
    ["another uid", { ...identity, uid: "x" }, '"uid" of the data must be "0f-A"'],
  ] as const)("may not be %s", (_name, data, problem) => {
    const { data: _data, ...event } = deleteEvent(ref);
    expect(() => parseDeleteData(data === undefined ? event : { ...event, data })).toThrow(
      invalidEvent(problem),
    );
  });

  test("may not be of another resource than the resourceid says", () => {
    const event = { ...deleteEvent(ref), resourceid: "other_0f-A" };
    expect(() => parseDeleteData(event)).toThrow(invalidEvent('"name" of the data must be "other"'));
  });
});
