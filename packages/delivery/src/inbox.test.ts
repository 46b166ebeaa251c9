import { expect, test } from "vitest";
import { InboxBudget, MIN_INBOX_BYTES } from "./inbox-budget.js";
import type { InboxSnapshot } from "./inbox-decisions.js";
import { Inbox } from "./inbox.js";
import { deliverable, type EventSketch } from "./testing/events.js";

function inbox(snapshot: Partial<InboxSnapshot> = {}): Inbox {
  return new Inbox({ settled: 0, applied: new Map(), begun: new Map(), ...snapshot });
}

function receive(target: Inbox, version: number, sketch: EventSketch = {}) {
  return target.receive(deliverable(version, sketch));
}
const WAIT = { kind: "wait", superseded: [] };
const WEB = "web_1";

test("a new version is applied, again it is a duplicate, an older one is stale", () => {
  const peer = inbox();
  expect(receive(peer, 5)).toEqual({ kind: "apply", attempt: 1 });
  expect(peer.finish(WEB, 5, "applied")).toEqual({ next: undefined, blocked: [] });
  expect(receive(peer, 5)).toEqual({ kind: "duplicate" });
  expect(receive(peer, 4)).toEqual({ kind: "stale" });
  expect(receive(peer, 6)).toEqual({ kind: "apply", attempt: 1 });
});

test("what the store remembers counts from the start", () => {
  const peer = inbox({ settled: 3, applied: new Map([[WEB, 7]]) });
  expect(receive(peer, 7)).toEqual({ kind: "duplicate" });
  expect(receive(peer, 3, { resource: "other" })).toEqual({ kind: "stale" });
  expect(receive(peer, 4, { resource: "other" })).toEqual({ kind: "apply", attempt: 1 });
});

test("a version that had begun before a crash is a further attempt; a newer one is a first", () => {
  const begun = new Map([[WEB, { version: 7, attempts: 2 }]]);
  expect(receive(inbox({ begun }), 7)).toEqual({ kind: "apply", attempt: 3 });
  expect(receive(inbox({ begun }), 8)).toEqual({ kind: "apply", attempt: 1 });
});

test("resources do not wait for each other", () => {
  const peer = inbox();
  expect(receive(peer, 1, { resource: "a" })).toEqual({ kind: "apply", attempt: 1 });
  expect(receive(peer, 2, { resource: "b" })).toEqual({ kind: "apply", attempt: 1 });
  expect(peer.applying).toBe(2);
});

test("a repeat of what is being applied waits for its answer", () => {
  const peer = inbox();
  receive(peer, 1);
  expect(receive(peer, 1)).toEqual(WAIT);
  expect(peer.applying).toBe(1);
});

test("an older version than the one being applied is stale", () => {
  const peer = inbox();
  receive(peer, 2);
  expect(receive(peer, 1)).toEqual({ kind: "stale" });
});

test("an older version than one that has begun is stale: the newer one may have had its effect", () => {
  const peer = inbox();
  receive(peer, 2);
  peer.finish(WEB, 2, "retry");
  expect(receive(peer, 1)).toEqual({ kind: "stale" });
  const restarted = inbox({ begun: new Map([[WEB, { version: 2, attempts: 1 }]]) });
  expect(receive(restarted, 1)).toEqual({ kind: "stale" });
  expect(receive(restarted, 2)).toEqual({ kind: "apply", attempt: 2 });
});

test("newer versions queue behind the one being applied and go one by one", () => {
  const peer = inbox();
  receive(peer, 1);
  expect(receive(peer, 2)).toEqual(WAIT);
  expect(receive(peer, 3)).toEqual(WAIT);
  expect(peer.applying).toBe(3);
  expect(peer.finish(WEB, 1, "applied").next).toMatchObject({ version: 2, attempt: 1 });
  expect(receive(peer, 3)).toEqual(WAIT);
  expect(peer.finish(WEB, 2, "rejected").next).toMatchObject({ version: 3, attempt: 1 });
  expect(peer.finish(WEB, 3, "applied").next).toBeUndefined();
  expect(peer.applying).toBe(0);
});

test("looking back into the queue: what is there waits, what is not is stale", () => {
  const peer = inbox();
  receive(peer, 1);
  receive(peer, 3);
  receive(peer, 5);
  expect(receive(peer, 3)).toEqual(WAIT);
  expect(receive(peer, 4)).toEqual({ kind: "stale" });
  expect(peer.applying).toBe(3);
});

test("a queued state gives way to a newer one and is handed back to be acknowledged", () => {
  const peer = inbox();
  receive(peer, 1, { type: "spec" });
  receive(peer, 2, { type: "spec" });
  receive(peer, 3);
  expect(receive(peer, 4, { type: "spec" })).toMatchObject({ kind: "wait", superseded: [{ version: 2 }] });
  expect(peer.applying).toBe(3);
  expect(peer.finish(WEB, 1, "applied").next?.version).toBe(3);
  expect(peer.finish(WEB, 3, "applied").next?.version).toBe(4);
});

test("behind an event that has to be tried again everything is blocked, and the retry is a further attempt", () => {
  const peer = inbox();
  receive(peer, 1);
  receive(peer, 2);
  receive(peer, 3);
  const finished = peer.finish(WEB, 1, "retry");
  expect(finished.next).toBeUndefined();
  expect(finished.blocked.map(({ version }) => version)).toEqual([2, 3]);
  expect(peer.applying).toBe(0);
  expect(receive(peer, 1)).toEqual({ kind: "apply", attempt: 2 });
});

test("a rejected event that comes again is handed to its handler again: its NACK was lost", () => {
  const peer = inbox();
  receive(peer, 2);
  peer.finish(WEB, 2, "rejected");
  expect(receive(peer, 1)).toEqual({ kind: "stale" });
  expect(receive(peer, 2)).toEqual({ kind: "apply", attempt: 2 });
  expect(receive(peer, 2)).toEqual(WAIT);
  peer.finish(WEB, 2, "applied");
  expect(receive(peer, 2)).toEqual({ kind: "duplicate" });
});

test("the floor makes everything up to it stale and forgets it", () => {
  const peer = inbox({
    applied: new Map([
      ["b_1", 9],
      ["a_1", 4],
    ]),
  });
  receive(peer, 6);
  peer.finish(WEB, 6, "applied");
  peer.settle(6);
  expect(receive(peer, 6)).toEqual({ kind: "stale" });
  expect(receive(peer, 5, { resource: "a" })).toEqual({ kind: "stale" });
  expect(receive(peer, 9, { resource: "b" })).toEqual({ kind: "duplicate" });
  expect(receive(peer, 7)).toEqual({ kind: "apply", attempt: 1 });
});

test("the floor never goes back", () => {
  const peer = inbox({ settled: 5 });
  peer.settle(3);
  expect(receive(peer, 5)).toEqual({ kind: "stale" });
});

test("what was settled while it waited is not applied", () => {
  const peer = inbox();
  receive(peer, 1);
  receive(peer, 2);
  receive(peer, 3);
  peer.settle(2);
  expect(peer.finish(WEB, 1, "applied").next?.version).toBe(3);
  expect(peer.applying).toBe(1);
});

test("after a reset versions begin anew, behind the handlers that still run", () => {
  const peer = inbox({ settled: 2, applied: new Map([["a_1", 9]]) });
  receive(peer, 7);
  receive(peer, 8);
  expect(peer.isCurrent(WEB, 7)).toBe(true);
  peer.reset();
  expect(peer.isCurrent(WEB, 7)).toBe(false);
  expect(peer.applying).toBe(1);
  expect(receive(peer, 1, { resource: "a" })).toEqual({ kind: "apply", attempt: 1 });
  expect(receive(peer, 1)).toEqual(WAIT);
  expect(receive(peer, 7)).toEqual(WAIT);
  expect(peer.finish(WEB, 7, "applied").next).toMatchObject({ version: 1, attempt: 1 });
  expect(peer.finish(WEB, 1, "applied").next).toMatchObject({ version: 7, attempt: 1 });
  expect(peer.isCurrent(WEB, 7)).toBe(true);
});

test("an orphaned handler that fails blocks nothing", () => {
  const peer = inbox();
  receive(peer, 7);
  peer.reset();
  receive(peer, 1);
  expect(peer.finish(WEB, 7, "retry")).toMatchObject({ next: { version: 1 }, blocked: [] });
});

test("finishing what was not started is a mistake that is noticed", () => {
  const peer = inbox();
  receive(peer, 1);
  expect(() => peer.finish(WEB, 2, "applied")).toThrow(expect.objectContaining({ code: "invalid_state" }));
  expect(() => peer.finish("other_1", 1, "applied")).toThrow("not been started");
});

test("bytes are counted while an event is applied or waits, and given back however that ends", () => {
  const peer = inbox();
  receive(peer, 1, { bytes: 10 });
  receive(peer, 2, { bytes: 20 });
  receive(peer, 3, { resource: "other", type: "spec", bytes: 40 });
  receive(peer, 4, { resource: "other", type: "spec", bytes: 80 });
  expect(peer.applyingBytes).toBe(150);
  receive(peer, 5, { resource: "other", type: "spec", bytes: 1 });
  expect(peer.applyingBytes).toBe(71);
  peer.finish(WEB, 1, "retry");
  expect(peer.applyingBytes).toBe(41);
  peer.finish("other_1", 3, "rejected");
  expect(peer.applyingBytes).toBe(1);
  peer.reset();
  peer.finish("other_1", 5, "applied");
  expect([peer.applying, peer.applyingBytes]).toEqual([0, 0]);
});

test("as many resources are remembered as there is room for; one more is answered full until the floor rises", () => {
  const peer = new Inbox({ settled: 0, applied: new Map([["old_1", 1]]), begun: new Map() }, { maxRows: 3 });
  receive(peer, 2, { resource: "a" });
  peer.finish("a_1", 2, "applied");
  receive(peer, 3, { resource: "b" });
  peer.finish("b_1", 3, "rejected");
  expect(peer.rows).toBe(3);
  expect(receive(peer, 4, { resource: "c" })).toEqual({ kind: "full", of: "rows" });
  // What is remembered goes on.
  expect(receive(peer, 5, { resource: "a" })).toEqual({ kind: "apply", attempt: 1 });
  peer.settle(1);
  expect(receive(peer, 6, { resource: "c" })).toEqual({ kind: "full", of: "rows" });
  peer.finish("a_1", 5, "applied");
  peer.settle(3);
  expect(receive(peer, 6, { resource: "c" })).toEqual({ kind: "apply", attempt: 1 });
});

test("what is discarded leaves no row", () => {
  const peer = new Inbox({ settled: 0, applied: new Map(), begun: new Map() }, { maxRows: 1 });
  for (let version = 1; version <= 10; version += 1) {
    expect(receive(peer, version, { resource: `r${version}` })).toEqual({ kind: "apply", attempt: 1 });
    peer.finish(`r${version}_1`, version, "discarded");
  }
  expect(peer.rows).toBe(0);
});

test("rows are bounded in bytes, of one peer and of all, and each peer has room for a few in any case", () => {
  const long = "x".repeat(500);
  const budget = new InboxBudget(4 * 200_000);
  const fill = (): { readonly peer: Inbox; readonly rows: number } => {
    const peer = new Inbox({ settled: 0, applied: new Map(), begun: new Map() }, { budget });
    for (let version = 2; ; version += 1) {
      const resource = `${long}${version}`;
      if (receive(peer, version, { resource }).kind === "full") return { peer, rows: peer.rows };
      peer.finish(`${resource}_1`, version, "applied");
    }
  };
  const peers = [fill(), fill(), fill(), fill(), fill()];
  const [first] = peers;
  // About 1,100 bytes each: 200,000 for the first one, less for each that follows.
  expect(first?.rows).toBeGreaterThan(160);
  expect(first?.rows).toBeLessThan(200);
  expect(peers.map(({ rows }) => rows)).toEqual(peers.map(({ rows }) => rows).toSorted((a, b) => b - a));
  for (const { rows } of peers) expect(rows).toBeGreaterThan(MIN_INBOX_BYTES / 1_200);
  expect(budget.heldBytes).toBe(peers.reduce((sum, { peer }) => sum + peer.rowBytes, 0));
  expect(budget.heldBytes).toBeLessThan(800_000);
  for (const { peer } of peers) peer.close();
  expect(budget.heldBytes).toBe(0);
  expect(fill().rows).toBe(first?.rows);
});

test("the oldest event of a peer has room in any case, as nothing else makes room", () => {
  const peer = new Inbox({ settled: 4, applied: new Map([["b_1", 6]]), begun: new Map() }, { maxRows: 1 });
  expect(receive(peer, 7, { resource: "c" })).toEqual({ kind: "full", of: "rows" });
  expect(receive(peer, 5, { resource: "a" })).toEqual({ kind: "apply", attempt: 1 });
  peer.finish("a_1", 5, "applied");
  peer.settle(6);
  expect(receive(peer, 7, { resource: "c" })).toEqual({ kind: "apply", attempt: 1 });
});

interface FullPeer {
  readonly peer: Inbox;
  readonly budget: InboxBudget;
  readonly arrives: (version: number, resource: string) => string;
}

/** What a peer does in round `n` that means to be remembered without end. */
const SCHEMES: Readonly<Record<string, (n: number, full: FullPeer) => void>> = {
  "each is settled, behind a row that never is": (n, { peer, arrives }) => {
    if (arrives(n, `r${n}`) === "apply") peer.finish(`r${n}_1`, n, "applied");
    peer.settle(n);
  },
  "each is settled while its handler runs": (n, { peer, arrives }) => {
    const isIn = arrives(n, `r${n}`) === "apply";
    peer.settle(n);
    if (isIn) peer.finish(`r${n}_1`, n, "applied");
  },
  "each is refused, and settled": (n, { peer, arrives }) => {
    if (arrives(n, `r${n}`) === "apply") peer.finish(`r${n}_1`, n, "rejected");
    peer.settle(n);
  },
  "all have one number": (n, { peer, arrives }) => {
    if (arrives(1, `r${n}`) === "apply") peer.finish(`r${n}_1`, 1, "applied");
  },
  "a newer one of the same resource follows, and is not settled": (n, { peer, arrives }) => {
    if (arrives(n, `r${n}`) === "apply") peer.finish(`r${n}_1`, n, "applied");
    if (arrives(2_000_000 + n, `r${n}`) === "apply") peer.finish(`r${n}_1`, 2_000_000 + n, "applied");
    peer.settle(n);
  },
  "a newer one of the same resource waits while its number is settled": (n, { peer, arrives }) => {
    const isIn = arrives(2 * n - 1, `r${n}`) === "apply";
    peer.settle(2 * n - 1);
    const waits = arrives(2 * n, `r${n}`) === "wait";
    arrives(2 * n, `other${n}`);
    if (isIn) peer.finish(`r${n}_1`, 2 * n - 1, "applied");
    if (waits) peer.finish(`r${n}_1`, 2 * n, "applied");
    peer.settle(2 * n);
  },
};

test.each(Object.entries(SCHEMES))(
  "of a peer there is one row more than there is room for: %s",
  (_, round) => {
    const budget = new InboxBudget(0);
    const peer = new Inbox({ settled: 0, applied: new Map(), begun: new Map() }, { maxRows: 3, budget });
    const arrives = (version: number, resource: string) => receive(peer, version, { resource }).kind;
    for (const [version, resource, ending] of [
      [1_000_000, "front", "applied"],
      [1_000_001, "front-of-begun", "rejected"],
      [1_000_002, "c", "applied"],
    ] as const) {
      expect(arrives(version, resource)).toBe("apply");
      peer.finish(`${resource}_1`, version, ending);
    }
    for (let n = 1; n <= 500; n += 1) {
      round(n, { peer, budget, arrives });
      expect(peer.rows).toBeLessThanOrEqual(4);
      expect(budget.heldBytes).toBeLessThan(4 * 120);
    }
  },
);

test("what is let in over the bound goes on by its oldest event alone, until there is room", () => {
  const peer = new Inbox({ settled: 4, applied: new Map([["b_1", 9]]), begun: new Map() }, { maxRows: 1 });
  const arrives = (version: number, resource: string) => receive(peer, version, { resource }).kind;
  expect(arrives(5, "a")).toBe("apply");
  expect([arrives(5, "a"), arrives(6, "a"), arrives(5, "c")]).toEqual(["wait", "full", "full"]);
  peer.finish("a_1", 5, "applied");
  expect([arrives(5, "a"), arrives(6, "a")]).toEqual(["duplicate", "full"]);
  peer.settle(5);
  expect([arrives(7, "c"), arrives(6, "a")]).toEqual(["full", "apply"]);
  peer.finish("a_1", 6, "applied");
  peer.settle(9);
  expect([arrives(10, "a"), arrives(11, "a")]).toEqual(["apply", "wait"]);
});

test("what is refused leaves no row where attempts are not recorded", () => {
  const peer = new Inbox({ settled: 0, applied: new Map(), begun: new Map() });
  for (const isAttemptRecorded of [false, true]) {
    const version = isAttemptRecorded ? 2 : 1;
    const arrived = { ...deliverable(version, { resource: `r${version}` }), isAttemptRecorded };
    expect(peer.receive(arrived)).toEqual({ kind: "apply", attempt: 1 });
    peer.finish(`r${version}_1`, version, "rejected");
    expect(peer.rows).toBe(isAttemptRecorded ? 1 : 0);
  }
});

test("what is applied at once is bounded by what it takes in memory; one event that takes more comes alone", () => {
  const limits = { maxHeapBytes: 1_000 };
  const peer = new Inbox({ settled: 0, applied: new Map(), begun: new Map() }, limits);
  const arrives = (version: number, resource: string, heapBytes: number) =>
    peer.receive({ ...deliverable(version, { resource }), heapBytes }).kind;
  expect(arrives(1, "a", 5_000)).toBe("apply");
  expect(arrives(2, "b", 1)).toBe("full");
  expect(arrives(2, "a", 1)).toBe("full");
  expect(arrives(1, "a", 5_000)).toBe("wait");
  peer.finish("a_1", 1, "applied");
  expect(arrives(1, "a", 5_000)).toBe("duplicate");
  expect([arrives(2, "b", 600), arrives(3, "b", 400), arrives(4, "c", 1)]).toEqual(["apply", "wait", "full"]);
  peer.finish("b_1", 2, "applied");
  expect(arrives(4, "c", 600)).toBe("apply");
});
