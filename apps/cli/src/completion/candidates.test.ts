import { expect, it } from "vitest";
import type { Agent, DeadLetter, Resource } from "../api/schemas.js";
import { candidatesFor, MAX_CANDIDATES, type CandidateSource } from "./candidates.js";
import type { Asked } from "./command-tree.js";

function agent(name: string): Agent {
  return { name, state: "connected", reason: "", pending: 0, deadLetters: 0 };
}

function resource(kind: string, name: string): Resource {
  return { agent: "edge-1", kind, name, uid: "u", state: "pending", version: "1", spec: {} };
}

function source(names: readonly string[]): CandidateSource {
  return {
    client: () => ({
      topAgents: async ({ name = "" }, limit) =>
        names
          .filter((each) => each.startsWith(name))
          .slice(0, limit)
          .map(agent),
      firstResources: async (_agent, query) =>
        [resource("ConfigFile", "motd"), resource("Task", "clock"), resource("Task", "cron")].filter(
          (each) => query?.kind === undefined || each.kind === query.kind,
        ),
      deadLetters: async () =>
        ["7", "12"].map(
          (eventid): DeadLetter => ({
            agent: "edge-1",
            resourceid: "r_1",
            eventid,
            type: "t",
            code: "c",
            message: "",
            at: "",
          }),
        ),
    }),
    contexts: () => ["production", "staging"],
  };
}

function ask(asks: Asked, current: string, given: readonly string[] = [], names = ["edge-1", "edge-2"]) {
  return candidatesFor({ asks, current, given, options: new Map() }, source(names));
}

it("agents", async () => {
  expect(await ask("agent", "edge")).toEqual(["edge-1", "edge-2"]);
  expect(await ask("agent", "f")).toEqual([]);
});

it("references: agents, and what the last one left holds", async () => {
  expect(await ask("reference", "")).toEqual(["edge-1", "edge-2"]);
  expect(await ask("reference", "edge-1")).toEqual(["edge-1", "edge-1/"]);
  expect(await ask("reference", "edge-1/")).toHaveLength(3);
  expect(await ask("reference", "edge-1/Ta")).toEqual(["edge-1/Task/clock", "edge-1/Task/cron"]);
  expect(await ask("reference", "edge-1/Task/cr")).toEqual(["edge-1/Task/cron"]);
  expect(await ask("reference", "edge-1/T", ["edge-1/Task/cron"])).toEqual(["edge-1/Task/clock"]);
});

it("resources go on behind their agent", async () => {
  expect(await ask("resource", "e")).toEqual(["edge-1/", "edge-2/"]);
});

it("kinds, dead letters and contexts", async () => {
  expect(await ask("kind", "", ["edge-1"])).toEqual(["ConfigFile", "Task"]);
  expect(await ask("eventid", "", ["edge-1", "7"])).toEqual(["12"]);
  expect(await ask("context", "p")).toEqual(["production"]);
});

it("nothing that a shell might take for more than a word, and no more than anybody reads", async () => {
  expect(await ask("agent", "", [], ["a;b", "$(c)", "-d", "e f", "g"])).toEqual(["g"]);
  const many = Array.from({ length: MAX_CANDIDATES + 1 }, (_, index) => `n${index}`);
  expect(await ask("agent", "", [], many)).toHaveLength(MAX_CANDIDATES);
});
