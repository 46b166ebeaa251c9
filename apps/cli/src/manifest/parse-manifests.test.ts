import { describe, expect, it } from "vitest";
import { parseManifests } from "./parse-manifests.js";

const good = `agent: edge-1
kind: ConfigFile
name: motd
spec: { path: motd, content: hello }
---
# an empty document is nothing
---
agent: edge-2
kind: Task
name: clock
spec:
  command: date
`;

describe("parseManifests", () => {
  it("reads every document with its place", () => {
    expect(
      parseManifests(good, "demo.yaml").map(({ agent, kind, name, place }) => [agent, kind, name, place]),
    ).toEqual([
      ["edge-1", "ConfigFile", "motd", "demo.yaml:1"],
      ["edge-2", "Task", "clock", "demo.yaml:8"],
    ]);
  });

  it("reads JSON too", () => {
    const [manifest] = parseManifests(
      '{"agent":"a","kind":"K","name":"n","spec":{"x":[1,null,true]}}',
      "x.json",
    );
    expect(manifest?.spec).toEqual({ x: [1, null, true] });
  });

  it("names line and column of broken YAML", () => {
    expect(() => parseManifests("agent: a\nkind: [", "x.yaml")).toThrow(/^x\.yaml:2:/);
  });

  it("names the document and the field of a wrong manifest", () => {
    expect(() => parseManifests(`${good}---\nagent: a\nkind: K\nspec: {}\nextra: 1\n`, "x.yaml")).toThrow(
      /^x\.yaml:14: .*name.*extra/,
    );
  });

  it("refuses what JSON cannot say", () => {
    expect(() => parseManifests("agent: a\nkind: K\nname: n\nspec: { x: .nan }", "x.yaml")).toThrow(/spec/);
  });
});
