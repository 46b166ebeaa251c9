import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { EventJournal } from "./event-journal.js";
import { EventStreamSource } from "./event-source.js";

const CAPACITY = 10;

let world: VirtualRuntime;
let journal: EventJournal;
let happened: number;

beforeEach(() => {
  world = createVirtualRuntime({ seed: 1 });
  journal = new EventJournal(world.runtime, CAPACITY);
  happened = 0;
});

function happen(times: number, agent = "a"): void {
  for (let count = 0; count < times; count += 1) {
    happened += 1;
    journal.observer.accepted?.(agent, { resourceid: "web_1", eventid: `${happened}`, type: "t" });
  }
}

function open(lastEventId?: string, agent?: string): EventStreamSource {
  return new EventStreamSource(journal, { agent, lastEventId });
}

/** What one reading gives: its kind, and the events in it, steps by their eventid. */
function read(source: EventStreamSource): readonly string[] {
  const piece = source.next();
  const told = piece.kind === "idle" ? "" : piece.text;
  const events = [...told.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name = "", data = ""]) => {
    const { eventid } = JSON.parse(data) as { eventid?: string };
    return eventid ?? name;
  });
  return [piece.kind, ...events];
}

function idOf(eventid: number): string {
  return journal.id(eventid);
}

describe("a reader of steps", () => {
  it("begins with what happens after its request, though it reads later", () => {
    happen(3);
    const source = open();
    happen(2);
    expect(read(source)).toEqual(["text", "4", "5"]);
    expect(read(source)).toEqual(["idle"]);
    happen(1);
    expect(read(source)).toEqual(["text", "6"]);
  });

  it("gets an id to come back with before anything happened", () => {
    happen(3);
    const source = open();
    expect(source.next()).toEqual({ kind: "text", text: `id: ${idOf(3)}\n\n` });
  });

  it.each([
    ["the first", 0, ["text", "1", "2", "3"]],
    ["one in between", 2, ["text", "3"]],
    ["the last", 3, ["text"]],
  ])("goes on behind %s", (_which, last, expected) => {
    happen(3);
    expect(read(open(idOf(last)))).toEqual(expected);
  });

  it("goes on behind the oldest that is not remembered any more, for nothing is missing, and no further back", () => {
    happen(CAPACITY + 5);
    const all = Array.from({ length: CAPACITY }, (_, index) => `${index + 6}`);
    expect(read(open(idOf(5)))).toEqual(["text", ...all]);
    expect(read(open(idOf(4)))).toEqual(["text", "gap", ...all]);
  });

  it.each(["0-0", "", "nonsense", "-1", "other-2"])(
    "hears of the gap for %j, and then all there is",
    (id) => {
      happen(2);
      expect(read(open(id))).toEqual(["text", "gap", "1", "2"]);
    },
  );

  it.each(["4", "01", "1e0", "99999999999999999"])("takes %j for no sequence of its own", (sequence) => {
    happen(3);
    expect(read(open(idOf(0).replace(/0$/, sequence)))).toEqual(["text", "gap", "1", "2", "3"]);
  });

  it("can resume from the gap itself", () => {
    happen(CAPACITY + 1);
    const gap = open("0-0").next();
    const id = gap.kind === "text" ? /^id: (.*)$/m.exec(gap.text)?.[1] : undefined;
    expect(read(open(id))[1]).toBe("2");
  });

  it("sees one agent alone, with the position of all", () => {
    const source = open(undefined, "b");
    expect(read(source)).toEqual(["text"]);
    happen(2, "a");
    expect(read(source)).toEqual(["idle"]);
    expect(source.position).toBe(idOf(2));
    happen(1, "b");
    expect(read(source)).toEqual(["text", "3"]);
  });
});

describe("a reader that is too slow", () => {
  it("is let go when it is behind by more than half of what is remembered, and can resume without a gap", () => {
    const source = open();
    read(source);
    happen(CAPACITY / 2);
    expect(read(source)).toEqual(["text", "1", "2", "3", "4", "5"]);
    happen(CAPACITY / 2 + 1);
    expect(source.next()).toEqual({
      kind: "end",
      text: expect.stringMatching(/^event: lagged\ndata: .*"behind":6/) as string,
    });
    expect(read(open(source.position))).toEqual(["text", "6", "7", "8", "9", "10", "11"]);
  });

  it("is counted when it lagged or came with an id nobody knows, but not when it wants all there is", () => {
    const gaps: string[] = [];
    const onGap = (reason: string): void => void gaps.push(reason);
    const follow = (lastEventId?: string): EventStreamSource =>
      new EventStreamSource(journal, { agent: undefined, lastEventId, onGap });
    read(follow("0-0"));
    expect(gaps).toEqual([]);
    read(follow("gone-1"));
    expect(gaps).toEqual(["unknown_id"]);
    const slow = follow();
    read(slow);
    happen(CAPACITY);
    slow.next();
    expect(gaps).toEqual(["unknown_id", "lagged"]);
  });

  it("may be behind by all of it while it reads what was there before", () => {
    happen(CAPACITY);
    expect(read(open(idOf(0)))).toHaveLength(1 + CAPACITY);
    const late = open(idOf(0));
    happen(1);
    expect(read(late)).toEqual(["end", "lagged"]);
  });

  it("is never told a part of what is behind it", () => {
    const source = open();
    happen(3 * CAPACITY);
    expect(read(source)).toEqual(["end", "lagged"]);
    expect(read(open(source.position))[1]).toBe("gap");
  });
});

describe("the journal", () => {
  it("wakes those who wait once for all steps of one go", async () => {
    let wakes = 0;
    journal.onceAdded(() => (wakes += 1));
    const forget = journal.onceAdded(() => (wakes += 100));
    forget();
    happen(3);
    expect(wakes).toBe(0);
    await world.advance(0);
    expect(wakes).toBe(1);
    happen(1);
    await world.advance(0);
    expect(wakes).toBe(1);
  });

  it("has other ids in another life", () => {
    happen(1);
    const next = new EventJournal(world.runtime, CAPACITY);
    expect(next.sequenceOf(idOf(0))).toBeUndefined();
  });
});
