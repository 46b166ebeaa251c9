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

  it("reads lists of manifests, as export and get print them in JSON and YAML", () => {
    const list = `- { agent: a, kind: K, name: one, spec: 1 }\n- { agent: a, kind: K, name: two, spec: 2 }\n`;
    expect(parseManifests(list, "x.yaml").map(({ name, place }) => [name, place])).toEqual([
      ["one", "x.yaml:1"],
      ["two", "x.yaml:2"],
    ]);
    expect(parseManifests("[]", "x.json")).toEqual([]);
    expect(() => parseManifests(`${list}- { agent: a }\n`, "x.yaml")).toThrow(/^x\.yaml:3: not a manifest/);
  });

  it.each([
    ["agent: A\nkind: K\nname: n\nspec: 1", /^m\.yaml:1: agent name "A" has upper-case letters/],
    ["agent: a\nkind: k\nname: n\nspec: 1", /^m\.yaml:1: resource kind "k" must be an upper-case letter/],
    ["agent: a\nkind: K\nname: Bad_Name\nspec: 1", /^m\.yaml:1: resource name "Bad_Name" must be/],
    [
      "agent: a\nkind: K\nname: n\nspec: 1\n---\nagent: ''\nkind: K\nname: n\nspec: 1",
      /^m\.yaml:6: agent name "" must not be empty/,
    ],
    ["kind: 7\nname: n\nspec: 1", /^m\.yaml:1: not a manifest \(agent is missing; kind must be text\);/],
    ["agent: a\nkind: K\nname: n", /\(spec is missing\)/],
    ["just words", /\(it is no map\)/],
  ])("says what the principal would refuse with its place, and in plain words: %s", (manifest, message) => {
    expect(() => parseManifests(manifest, "m.yaml")).toThrow(message);
  });

  it.each([
    ["9007199254740993", "9007199254740993"],
    ["+9007199254740993", "9007199254740993"],
    ["0x20000000000001", "9007199254740993"],
    ["1e400", "1e400"],
    [".inf", ".inf"],
  ])("refuses the number %s, which is not kept, with its place", (number, shown) => {
    const manifest = `agent: a\nkind: K\nname: n\nspec:\n  id: ${number}\n`;
    const message = `m.yaml:5:7: ${shown} cannot be kept exactly as a number; write it as text`;
    expect(() => parseManifests(manifest, "m.yaml")).toThrow(message);
    const json = `{"agent": "a", "kind": "K", "name": "n",\n"spec": {"id": 9007199254740993}}`;
    expect(() => parseManifests(json, "m.json")).toThrow("m.json:2:16: 9007199254740993 cannot");
  });

  it.each([
    ["0644", 644],
    ["-007", -7],
    ["00", 0],
    ["01.50", 1.5],
  ])(
    "refuses %s without quotes, which somebody means otherwise, and says how to write it",
    (number, read) => {
      const manifest = `agent: a\nkind: K\nname: n\nspec:\n  mode: ${number}\n`;
      const message = `m.yaml:5:9: ${number} without quotes is the number ${read} in YAML; write "${number}"`;
      expect(() => parseManifests(manifest, "m.yaml")).toThrow(message);
      for (const text of [`"${number}"`, `'${number}'`, `!!str ${number}`])
        expect(parseManifests(manifest.replace(number, text), "m.yaml")[0]?.spec).toEqual({ mode: number });
    },
  );

  it("takes zeros that lead nobody astray", () => {
    const manifest = "agent: a\nkind: K\nname: n\nspec: [0, 0.5, -0.5, 0o644, 0x1f, 10, 1e01]";
    expect(parseManifests(manifest, "m.yaml")[0]?.spec).toEqual([0, 0.5, -0.5, 420, 31, 10, 10]);
  });

  it("takes numbers that are kept, and digits that are text", () => {
    const manifest = `agent: a\nkind: K\nname: n\nspec: [0xff, +1, 1.5e3, 9007199254740991, "9007199254740993"]`;
    expect(parseManifests(manifest, "m.yaml")[0]?.spec).toEqual([
      255,
      1,
      1500,
      9_007_199_254_740_991,
      "9007199254740993",
    ]);
  });

  it("refuses what JSON cannot say", () => {
    expect(() => parseManifests("agent: a\nkind: K\nname: n\nspec: { x: .nan }", "x.yaml")).toThrow(
      "x.yaml:4:12: .nan cannot be kept",
    );
  });
});
