import type { AgentView, OutputAsked } from "@hawser/principal";
import { HawserError, outputLineBytes, statusEvent, type HawserEvent } from "@hawser/protocol";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { OutputStreamSource, type OutputSourceOptions } from "./output-source.js";
import { OutputWatches } from "./output-watches.js";

const TARGET = { agent: "edge-1", kind: "Task", name: "web" } as const;
const ABOUT = { ...TARGET, uid: "u", id: "1", source: "/a", observed: "1" } as const;

let world: VirtualRuntime;
let watches: OutputWatches;
/** What the agent was asked, oldest first. */
let asked: OutputAsked[];
let isConnected: boolean;
let isThere: boolean;
let failure: HawserError | undefined;
/** What the agent has written. */
let log: string;
let written: string[];
/** Lines that it has dropped. */
let dropped: number;

beforeEach(() => {
  world = createVirtualRuntime({ seed: 1 });
  [asked, isConnected, isThere, failure] = [[], true, true, undefined];
  [log, written, dropped] = ["l", ["a", "b"], 0];
  const view = (): AgentView => {
    const session = isConnected ? { id: "s" } : undefined;
    return { name: "edge-1", reason: "lost its connection", session } as AgentView;
  };
  watches = new OutputWatches({
    runtime: world.runtime,
    principal: {
      agent: () => Promise.resolve(view()),
      resources: {
        put: () => Promise.reject(new Error("not asked for")),
        get: () => Promise.reject(new Error("not asked for")),
        list: () => Promise.reject(new Error("not asked for")),
        all: () => {
          throw new Error("not asked for");
        },
        delete: () => Promise.reject(new Error("not asked for")),
        of: () => {
          throw new Error("not asked for");
        },
        requestOutput: (_agent, _kind, _name, request) => {
          if (failure !== undefined) return Promise.reject(failure);
          if (!isThere) return Promise.resolve(undefined);
          asked.push(request);
          return Promise.resolve({
            resourceid: "web_output",
            eventid: String(asked.length),
            duplicate: false,
          });
        },
      },
    },
  });
});

const tell = () => watches.observer.link?.("edge-1");

/** The agent answers what it was asked last, as `OutputLog` would. */
function answer(): void {
  const { request = "", after } = asked.at(-1) ?? {};
  const line = after?.log === log ? Math.max(after.line, dropped) : dropped;
  const bytes = written.slice(0, line).reduce((sum, each) => sum + outputLineBytes(each), 0);
  const starts = line === 0 ? [{ line: 0, run: 0 }] : [];
  const output = { request, log, oldest: dropped, line, bytes, lines: written.slice(line), starts };
  tell()?.applied?.({ ...statusEvent({ ...ABOUT, status: { state: "running", output } }), eventid: "1" });
}

interface Told {
  readonly event: string;
  readonly data: unknown;
}

/** A reader, and what it was told so far. */
function look(options: Partial<OutputSourceOptions> = {}) {
  const source = new OutputStreamSource(watches.watch(TARGET), {
    follow: true,
    tail: undefined,
    lastEventId: undefined,
    ...options,
  });
  const read = (): { readonly told: readonly Told[]; readonly ended: boolean } => {
    const piece = source.next();
    if (piece.kind === "idle") return { told: [], ended: false };
    const told = [...piece.text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event = "", data = ""]) => ({
      event,
      data: JSON.parse(data) as unknown,
    }));
    return { told, ended: piece.kind === "end" };
  };
  return { source, read };
}

describe("somebody who looks", () => {
  it("is told what there is, then what comes, and nobody is asked once they have gone", async () => {
    const { source, read } = look();
    await world.advance(1);
    expect(asked).toEqual([{ request: expect.any(String) as string, forMs: 30_000 }]);
    expect(read().told).toEqual([]);
    answer();
    expect(read().told).toEqual([
      { event: "output", data: { line: 0, lines: ["a", "b"], starts: [{ line: 0, run: 0 }] } },
      { event: "synced", data: {} },
    ]);
    expect(source.position).toBe("l-2");
    written.push("c");
    answer();
    expect(read().told).toEqual([{ event: "output", data: { line: 2, lines: ["c"], starts: [] } }]);
    await world.advance(10_000);
    expect(asked[1]).toMatchObject({ after: { log: "l", line: 3 } });
    source.close();
    await world.advance(60_000);
    expect(asked).toHaveLength(2);
  });

  it("asks by another name each time, as the same answer would not be sent twice", async () => {
    for (const n of [1, 2]) {
      const { source, read } = look({ follow: false });
      await world.advance(1);
      expect(asked).toHaveLength(n);
      expect(read().told).toEqual([]);
      answer();
      expect(read().ended).toBe(true);
      source.close();
    }
    expect(asked[0]?.request).not.toBe(asked[1]?.request);
  });

  it("may want the last lines alone, and no more than there is", async () => {
    const { read } = look({ follow: false, tail: 1 });
    await world.advance(1);
    answer();
    expect(read()).toEqual({
      told: [
        { event: "output", data: { line: 1, lines: ["b"], starts: [{ line: 1, run: 0 }] } },
        { event: "synced", data: {} },
      ],
      ended: true,
    });
  });

  it("hears how much the agent has dropped, before they came and while they read", async () => {
    dropped = 1;
    const { read } = look();
    await world.advance(1);
    answer();
    expect(read().told[0]).toEqual({
      event: "gap",
      data: { lines: 1, bytes: 2, message: "no longer kept" },
    });
    written.push("lost", "kept");
    dropped = 3;
    answer();
    expect(read().told).toEqual([
      { event: "gap", data: { lines: 1, bytes: 5, message: "written faster than shown" } },
      { event: "output", data: { line: 3, lines: ["kept"], starts: [] } },
    ]);
  });

  it("goes on where they were, also when the agent counts anew", async () => {
    const { read } = look({ lastEventId: "l-1" });
    await world.advance(1);
    expect(asked[0]).toMatchObject({ after: { log: "l", line: 1 } });
    answer();
    expect(read().told[0]).toEqual({ event: "output", data: { line: 1, lines: ["b"], starts: [] } });
    [log, written] = ["other", ["z"]];
    answer();
    expect(read().told).toMatchObject([
      { event: "gap", data: { message: expect.stringContaining("counts anew") as string } },
      { event: "output", data: { lines: ["z"] } },
    ]);
  });

  it("shares requests with others, and is shown all although they have seen a part", async () => {
    const first = look();
    await world.advance(1);
    answer();
    first.read();
    const second = look();
    // What the first one asked for says nothing to the second.
    written.push("c");
    answer();
    expect(second.read().told).toEqual([]);
    expect(first.read().told).toHaveLength(1);
    await world.advance(1_000);
    expect(asked).toHaveLength(2);
    expect(asked[1]).not.toHaveProperty("after");
    answer();
    expect(second.read().told[0]).toMatchObject({ data: { lines: ["a", "b", "c"] } });
    expect(first.read().told).toEqual([]);
  });

  it("is shown nothing twice and nothing out of order when another principal asks for less", async () => {
    const { read } = look();
    await world.advance(1);
    answer();
    read();
    written.push("c", "d");
    asked.push({ request: "of-another", forMs: 1, after: { log: "l", line: 3 } });
    answer();
    expect(read().told).toEqual([]);
    await world.advance(1_000);
    answer();
    expect(read().told).toEqual([{ event: "output", data: { line: 2, lines: ["c", "d"], starts: [] } }]);
  });
});

describe("nothing is shown", () => {
  it("while the agent is away; it is asked again when it is back", async () => {
    isConnected = false;
    const { read } = look();
    await world.advance(1);
    expect(read().told).toEqual([
      { event: "waiting", data: { message: "edge-1 is not connected: it lost its connection" } },
    ]);
    isConnected = true;
    tell()?.opened?.({} as never);
    await world.advance(1_000);
    expect(asked).toHaveLength(1);
    answer();
    expect(read().told.map(({ event }) => event)).toEqual(["output", "synced"]);
  });

  it("and a look that is not to last ends with why", async () => {
    isConnected = false;
    const { read } = look({ follow: false });
    await world.advance(1);
    expect(read()).toMatchObject({ told: [{ event: "waiting" }], ended: true });
  });

  it.each([
    [true, "waiting", false],
    [false, "refused", true],
  ])("where the agent refuses (retryable: %s)", async (retryable, event, ended) => {
    const { read } = look();
    await world.advance(1);
    const nack = { resourceid: "web_output", retryable, code: "no_handler", message: "no" } as const;
    tell()?.nacked?.({ ...nack, eventid: "99" });
    expect(read().told).toEqual([]);
    tell()?.nacked?.({ ...nack, eventid: "1" });
    expect(read()).toMatchObject({ told: [{ event }], ended });
  });

  it("once the resource is gone", async () => {
    isThere = false;
    const { read } = look();
    await world.advance(1);
    expect(read()).toMatchObject({ told: [{ event: "gone" }], ended: true });
  });

  it("where it cannot be asked; that is tried again", async () => {
    failure = new HawserError("mailbox_full", "full");
    const { read } = look();
    await world.advance(1);
    expect(read().told).toEqual([{ event: "waiting", data: { message: "mailbox_full: full" } }]);
    failure = undefined;
    await world.advance(10_000);
    expect(asked).toHaveLength(1);
  });

  it("of another resource, and of what is no output", async () => {
    const { read } = look();
    await world.advance(1);
    const event = (name: string, status: string): HawserEvent => ({
      ...statusEvent({ ...ABOUT, name, status }),
      eventid: "1",
    });
    tell()?.applied?.(event("other", "lit"));
    tell()?.applied?.(event("web", "lit"));
    expect(read().told).toEqual([]);
  });
});
