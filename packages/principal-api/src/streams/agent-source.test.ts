import type { AgentView } from "@hawser/principal";
import { PROTOCOL_VERSIONS } from "@hawser/protocol";
import type { Established } from "@hawser/session";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { AgentChangeLog, COALESCE_MS } from "./agent-change-log.js";
import { AgentStreamSource, type AgentSourceOptions } from "./agent-source.js";

const SESSION: Established = {
  role: "principal",
  agent: "a",
  protocolVersion: PROTOCOL_VERSIONS[0],
  sessionId: "s",
  epoch: 1,
  peerStore: "p",
  peerWindow: 1,
  peerSettled: 0,
  peerSoftware: "test",
};

let world: VirtualRuntime;
let log: AgentChangeLog;
let fleet: Map<string, AgentView>;
let reads: number;

beforeEach(() => {
  world = createVirtualRuntime({ seed: 1 });
  log = new AgentChangeLog(world.runtime, 4);
  fleet = new Map();
  reads = 0;
});

const principal = {
  agents: async ({ after = "", limit }: { after?: string; limit: number }) =>
    [...fleet.values()].filter(({ name }) => name > after).slice(0, limit),
  agent: async (name: string) => {
    reads += 1;
    return fleet.get(name);
  },
};

function put(name: string, pending = 0, state: AgentView["state"] = "disconnected"): void {
  const counts = { pending, deadLetters: 0, mailboxBytes: 0, lastVersion: 0, everConnected: true };
  const times = { lastSeenAt: undefined, lastAckAt: undefined };
  fleet.set(name, { name, state, reason: "", session: undefined, ...times, ...counts });
}

/** Something changed about an agent, and it was noticed. */
async function change(name: string, what: "counts" | "session" = "counts"): Promise<void> {
  if (what === "counts") log.observer.discarded?.(name, "1");
  else log.observer.link?.(name)?.opened?.(SESSION);
  await world.advance(COALESCE_MS);
}

function open(options: Partial<AgentSourceOptions> = {}): AgentStreamSource {
  return new AgentStreamSource(principal, log, {
    prefix: "",
    state: undefined,
    lastEventId: undefined,
    ...options,
  });
}

/** All it tells until it has nothing more: agents by name and what is pending. */
async function readAll(source: AgentStreamSource): Promise<readonly string[]> {
  const told: string[] = [];
  for (;;) {
    const piece = await source.next();
    if (piece.kind === "idle") return told;
    for (const [, event = "", data = ""] of piece.text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)) {
      const { name, pending } = JSON.parse(data) as { name?: string; pending?: number };
      if (event === "agent") told.push(`${name} ${pending}`);
      else told.push(name === undefined ? event : `${event} ${name}`);
    }
  }
}

describe("a reader of agents", () => {
  it("hears of all, and then of each that changes as it is by then", async () => {
    for (const name of ["a", "b"]) put(name);
    const source = open();
    expect(await readAll(source)).toEqual(["a 0", "b 0", "synced"]);
    put("b", 1);
    await change("b");
    put("b", 2);
    await change("b");
    expect(await readAll(source)).toEqual(["b 2"]);
    expect(await readAll(source)).toEqual([]);
  });

  it("hears of many changes within a moment once", async () => {
    put("a");
    const source = open();
    await readAll(source);
    reads = 0;
    for (let count = 0; count < 100; count += 1) log.observer.discarded?.("a", "1");
    await world.advance(COALESCE_MS - 1);
    expect(await readAll(source)).toEqual([]);
    await world.advance(1);
    expect(await readAll(source)).toEqual(["a 0"]);
    expect(reads).toBe(1);
  });

  it("does not miss what changes while all are being told", async () => {
    for (let index = 100; index < 350; index += 1) put(`n${index}`);
    const source = open();
    const first = await source.next();
    put("n100", 7);
    await change("n100");
    const rest = await readAll(source);
    expect(first.kind === "text" && first.text.includes('"n100"')).toBe(true);
    expect(rest.slice(-3)).toEqual(["n349 0", "synced", "n100 7"]);
  });

  it("hears of an agent that is gone", async () => {
    put("a");
    const source = open();
    await readAll(source);
    fleet.clear();
    await change("a");
    expect(await readAll(source)).toEqual(["gone a"]);
  });

  it("hears only of names that begin so", async () => {
    for (const name of ["a-1", "b-1", "b-2", "c-1"]) put(name);
    const source = open({ prefix: "b-" });
    expect(await readAll(source)).toEqual(["b-1 0", "b-2 0", "synced"]);
    await change("a-1");
    await change("b-2");
    expect(await readAll(source)).toEqual(["b-2 0"]);
  });

  it("hears only of a state, and when an agent leaves it", async () => {
    put("a", 0, "connected");
    put("b");
    const source = open({ state: "connected" });
    expect(await readAll(source)).toEqual(["a 0", "synced"]);
    put("a");
    await change("a", "session");
    expect(await readAll(source)).toEqual(["gone a"]);
    await change("b");
    expect(await readAll(source)).toEqual([]);
    put("b", 0, "connected");
    await change("b", "session");
    expect(await readAll(source)).toEqual(["b 0"]);
  });

  it("hears nothing more once it has gone", async () => {
    put("a");
    const source = open();
    await readAll(source);
    source.close();
    await change("a");
    expect(await readAll(source)).toEqual([]);
  });
});

describe("a reader that comes back", () => {
  it("hears of what changed since, and of nothing else", async () => {
    for (const name of ["a", "b", "c"]) put(name);
    const source = open();
    await readAll(source);
    await change("a");
    await readAll(source);
    const lastEventId = source.position;
    source.close();
    put("b", 5);
    await change("b");
    fleet.delete("c");
    await change("c", "session");
    const again = open({ lastEventId });
    expect(await readAll(again)).toEqual(["b 5", "gone c", "synced"]);
    const upToDate = open({ lastEventId: again.position });
    expect(await readAll(upToDate)).toEqual(["synced"]);
  });

  it("begins anew when too much changed meanwhile, and not one change before", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) put(name);
    const source = open();
    await readAll(source);
    await change("a");
    await readAll(source);
    const lastEventId = source.position;
    for (const name of ["b", "c", "d"]) await change(name);
    // Four agents are remembered: the change of a is the oldest, and nobody who knows of it misses anything.
    expect(await readAll(open({ lastEventId }))).toEqual(["b 0", "c 0", "d 0", "synced"]);
    await change("e");
    expect(await readAll(open({ lastEventId }))).toEqual(["b 0", "c 0", "d 0", "e 0", "synced"]);
    await change("a");
    expect(await readAll(open({ lastEventId }))).toEqual([
      "reset",
      "a 0",
      "b 0",
      "c 0",
      "d 0",
      "e 0",
      "synced",
    ]);
  });

  it.each(["0-0", "nonsense", ""])("begins anew for the id %j", async (lastEventId) => {
    put("a");
    expect(await readAll(open({ lastEventId }))).toEqual(["reset", "a 0", "synced"]);
  });

  it("has no id to come back with once it was told to forget all, until it knows all again", async () => {
    for (let index = 100; index < 350; index += 1) put(`n${index}`);
    const source = open({ lastEventId: "0-0" });
    const first = await source.next();
    expect(first.kind === "text" && [...first.text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id)).toEqual([
      "",
    ]);
    expect(await readAll(source)).toContain("synced");
    expect(source.position).toBe(log.position);
  });

  it("has no id to come back with before it knows all", async () => {
    for (let index = 100; index < 350; index += 1) put(`n${index}`);
    const source = open();
    await source.next();
    expect(source.position).toBeUndefined();
    await readAll(source);
    expect(source.position).toBe(log.position);
  });
});

it("a reader behind by more agents than are kept for it begins anew", async () => {
  for (const name of ["a", "b", "c"]) put(name);
  const gaps: string[] = [];
  const source = open({ maxChanged: 2, onGap: (reason) => gaps.push(reason) });
  await readAll(source);
  for (const name of ["a", "b"]) await change(name);
  expect(await readAll(source)).toEqual(["a 0", "b 0"]);
  expect(gaps).toEqual([]);
  for (const name of ["a", "b", "c"]) await change(name);
  expect(gaps).toEqual(["lagged"]);
  expect(await readAll(source)).toEqual(["reset", "a 0", "b 0", "c 0", "synced"]);
});
