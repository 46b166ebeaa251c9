import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { AdmissionQueue, type Admission } from "./admission-queue.js";
import { resolveAdmissionSettings, type AdmissionSettings } from "./admission-settings.js";

interface Client {
  readonly name: number;
}

function queueOf(options: Partial<AdmissionSettings>): AdmissionQueue<Client> {
  return new AdmissionQueue(resolveAdmissionSettings({ rampMs: 0, ...options }), seededRandom(1), 0);
}

function clients(count: number): readonly Client[] {
  return Array.from({ length: count }, (_, name) => ({ name }));
}

/** Everybody arrives at once; what is decided there and then. */
function arrive(queue: AdmissionQueue<Client>, all: readonly Client[], nowMs: number): Admission<Client>[] {
  for (const client of all) queue.arrived(client, nowMs);
  return takeAll(queue, nowMs);
}

function takeAll(queue: AdmissionQueue<Client>, nowMs: number): Admission<Client>[] {
  const decisions: Admission<Client>[] = [];
  for (let next = queue.take(nowMs); next !== undefined; next = queue.take(nowMs)) decisions.push(next);
  return decisions;
}

/** It has been told, and is back at once. */
function comeAgain(queue: AdmissionQueue<Client>, client: Client, nowMs: number): void {
  queue.finished(client, nowMs);
  queue.arrived(client, nowMs);
}

const kinds = (decisions: readonly Admission<Client>[]): string =>
  decisions.map(({ kind }) => kind[0]).join("");

describe("the line", () => {
  it("lets a burst in, keeps so many waiting, and refuses the rest with slots one after the other", () => {
    const queue = queueOf({ ratePerSecond: 10, burst: 2, maxWaiting: 3 });
    const decisions = arrive(queue, clients(8), 0);
    expect(kinds(decisions)).toBe("aarrr");
    const slots = decisions.flatMap((each) => (each.kind === "refused" ? [each.retryAfterMs] : []));
    // Three wait, so the first slot is behind them; a tenth of a second for each.
    expect(slots).toEqual([400, 500, 600].map((ms) => expect.closeTo(ms)));
    expect(queue.stats(0)).toMatchObject({ waiting: 3, handshakes: 2, admitted: 2, refused: 3 });
  });

  it("is first come, first served, at the rate", () => {
    const queue = queueOf({ ratePerSecond: 10, burst: 1, maxWaiting: 10 });
    const all = clients(4);
    const order = [...arrive(queue, all, 0)];
    for (let nowMs = queue.nextWakeAt(0); order.length < 4; nowMs = queue.nextWakeAt(nowMs ?? 0)) {
      expect(nowMs).toBeCloseTo(order.length * 100);
      order.push(...takeAll(queue, nowMs ?? 0));
    }
    expect(order.map(({ client }) => client.name)).toEqual([0, 1, 2, 3]);
  });

  it("lets nobody in while every handshake is taken, and the next one when one is over", () => {
    const queue = queueOf({ ratePerSecond: 1_000, burst: 10, maxHandshakes: 2 });
    const [first, second, third] = clients(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three clients");
    expect(kinds(arrive(queue, [first, second, third], 0))).toBe("aa");
    // When the handshakes have stalled.
    expect(queue.nextWakeAt(0)).toBe(1_000);
    queue.finished(first, 5);
    expect(queue.take(5)).toEqual({ kind: "admitted", client: third });
  });

  it("cuts off a handshake that takes too long, exactly at its deadline, and gives the place on", () => {
    const queue = queueOf({ maxHandshakes: 1, handshakeTimeoutMs: 100, burst: 5 });
    const all = clients(2);
    expect(kinds(arrive(queue, all, 0))).toBe("a");
    expect(queue.nextWakeAt(0)).toBe(100);
    expect(queue.take(99)).toBeUndefined();
    expect(kinds(takeAll(queue, 100))).toBe("ea");
    expect(queue.stats(100)).toMatchObject({ expired: 1, handshakes: 1 });
  });

  it("refuses who has waited too long", () => {
    const queue = queueOf({ ratePerSecond: 0.1, burst: 1, maxWaitMs: 1_000, handshakeTimeoutMs: 10_000 });
    const all = clients(2);
    arrive(queue, all, 0);
    expect(queue.take(999)).toBeUndefined();
    expect(queue.take(1_000)).toEqual({ kind: "stalled", client: all[0] });
    expect(queue.take(1_000)).toEqual({
      kind: "refused",
      client: all[1],
      retryAfterMs: expect.closeTo(10_000),
    });
    expect(queue.nextWakeAt(1_000)).toBe(10_000);
  });

  it("makes no line that is longer than what gets in within the wait, the ramp counted in", () => {
    const at = { ratePerSecond: 10, burst: 1, maxWaitMs: 1_000 };
    expect(kinds(arrive(queueOf(at), clients(14), 0))).toBe("arrr");
    // Of the ten, the ramp of two seconds takes nearly half of two seconds' worth away in the first one.
    expect(kinds(arrive(queueOf({ ...at, rampMs: 2_000 }), clients(14), 0))).toBe("r".repeat(10));
  });

  it("tells so many at once, and the next one when one has been told", () => {
    const queue = queueOf({ ratePerSecond: 10, burst: 1, maxWaiting: 1, maxRefusing: 2 });
    const all = clients(5);
    expect(kinds(arrive(queue, all, 0))).toBe("arr");
    expect(queue.stats(0)).toMatchObject({ waiting: 2, refusing: 2, refused: 2 });
    const [, , told, , next] = all;
    if (told === undefined || next === undefined) throw new Error("five clients");
    queue.finished(told, 50);
    expect(takeAll(queue, 50)).toEqual([{ kind: "refused", client: next, retryAfterMs: expect.any(Number) }]);
  });

  it("cuts off who could not be told for as long as a wait and a refusal may take, exactly then", () => {
    const times = { maxWaitMs: 1_000, handshakeTimeoutMs: 1_000 };
    const queue = queueOf({ ratePerSecond: 0.1, burst: 1, maxRefusing: 1, ...times });
    const all = clients(6);
    expect(kinds(arrive(queue, all, 0))).toBe("ar");
    expect(takeAll(queue, 999)).toEqual([]);
    // Nobody comes to an end by itself: the handshake and each refusal last as long as they may.
    expect(kinds(takeAll(queue, 1_000))).toBe("eer");
    expect(takeAll(queue, 1_999)).toEqual([]);
    expect(queue.nextWakeAt(1_999)).toBe(2_000);
    expect(kinds(takeAll(queue, 2_000))).toBe("eruu");
    expect(queue.stats(2_000)).toMatchObject({ waiting: 0, refusing: 1, refused: 3 });
  });

  it("forgets who goes away while waiting, and its place goes to whoever came beyond the line", () => {
    const queue = queueOf({ ratePerSecond: 1, burst: 1, maxWaiting: 1 });
    const [first, second, third] = clients(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three clients");
    queue.arrived(first, 0);
    expect(queue.take(0)?.kind).toBe("admitted");
    queue.arrived(second, 0);
    queue.arrived(third, 0);
    queue.finished(second, 0);
    expect(queue.take(0)).toBeUndefined();
    expect(takeAll(queue, 1_000)).toContainEqual({ kind: "admitted", client: third });
  });

  it("gives the places of handshakes that have stalled to others, who are not slowed down by them", () => {
    const queue = queueOf({
      ratePerSecond: 1_000,
      burst: 1_000,
      maxHandshakes: 2,
      handshakeTimeoutMs: 9_000,
    });
    const [slow, silent, next] = clients(3);
    if (slow === undefined || silent === undefined || next === undefined) throw new Error("three clients");
    arrive(queue, [slow, silent, next], 0);
    expect(kinds(takeAll(queue, 1_000))).toBe("ssa");
    expect(queue.stats(1_000)).toMatchObject({ handshakes: 3, stalled: 2, waiting: 0 });
    // It may still come through, and the other is cut in its own time.
    expect(queue.ready(slow, 1_500)).toBe(true);
    expect(kinds(takeAll(queue, 1_500))).toBe("o");
    expect(takeAll(queue, 9_000)).toContainEqual({ kind: "expired", client: silent });
  });

  it("does not take a principal that is slow itself for clients that are", () => {
    const queue = queueOf({
      ratePerSecond: 1_000,
      burst: 1_000,
      maxHandshakes: 1,
      handshakeTimeoutMs: 60_000,
    });
    const all = clients(60);
    let nowMs = 0;
    for (const client of all) {
      queue.arrived(client, nowMs);
      takeAll(queue, nowMs);
      nowMs += 900;
      expect(queue.ready(client, nowMs)).toBe(true);
      takeAll(queue, nowMs);
      queue.finished(client, nowMs);
    }
    const last = { name: 60 };
    arrive(queue, [last], nowMs);
    expect(queue.take(nowMs + 3_000)).toBeUndefined();
    expect(queue.take(nowMs + 4_000)).toEqual({ kind: "stalled", client: last });
  });

  it("lets sources take turns, and refuses the newest of the one with the most", () => {
    const queue = queueOf({ ratePerSecond: 1, burst: 1, maxWaiting: 4, maxWaitMs: 60_000 });
    const many = clients(6);
    for (const client of many) queue.arrived(client, 0, "many");
    const lone = { name: 100 };
    queue.arrived(lone, 0, "few");
    // The first is served, so that one place falls free; the two beyond it are of the busy source.
    const decided = takeAll(queue, 0);
    expect(decided[0]).toEqual({ kind: "admitted", client: many[0] });
    expect(decided.slice(1).map(({ client }) => client.name)).toEqual([5, 3]);
    expect(takeAll(queue, 1_000).filter(({ kind }) => kind === "admitted")).toEqual([
      { kind: "admitted", client: lone },
    ]);
  });

  it("serves whoever can be served at once even when nobody may wait", () => {
    const queue = queueOf({ ratePerSecond: 10, burst: 1, maxWaiting: 0 });
    expect(kinds(arrive(queue, clients(2), 0))).toBe("ar");
  });
});

describe("slots", () => {
  it("are as far apart as handshakes really take when those are what limits", () => {
    const queue = queueOf({
      ratePerSecond: 200,
      burst: 100,
      maxHandshakes: 1,
      maxWaiting: 500,
      maxWaitMs: 60_000,
    });
    let nowMs = 0;
    const all = clients(400);
    for (const client of all) queue.arrived(client, 0);
    // Each handshake takes 20 ms, one at a time: 50 a second, though the settings allow 200.
    for (let done = 0; done < 200; done += 1) {
      const next = queue.take(nowMs);
      if (next?.kind !== "admitted") throw new Error(`expected an admission, not ${next?.kind}`);
      nowMs += 20;
      queue.finished(next.client, nowMs);
    }
    const first = queue.slot(nowMs);
    expect(queue.slot(nowMs) - first).toBeCloseTo(20, 1);
    expect(first).toBeCloseTo(201 * 20, 0);
  });

  it("are not put off for long by a moment in which nothing moved: a tenth of the rate is the least", () => {
    const queue = queueOf({
      ratePerSecond: 100,
      burst: 10,
      maxHandshakes: 1,
      maxWaiting: 10,
      maxWaitMs: 600_000,
    });
    for (const client of clients(5)) queue.arrived(client, 0);
    let nowMs = 0;
    // Half a minute each: the machine stands still.
    for (let done = 0; done < 3; done += 1) {
      const next = queue.take(nowMs);
      if (next?.kind !== "admitted") throw new Error(`expected an admission, not ${next?.kind}`);
      nowMs += 30_000;
      queue.finished(next.client, nowMs);
    }
    const first = queue.slot(nowMs);
    expect(first).toBeLessThan(1_000);
    expect(queue.slot(nowMs) - first).toBeCloseTo(100, 1);
  });

  it("reach no farther than maxSlotMs; beyond, they are spread over the later half", () => {
    const queue = queueOf({ ratePerSecond: 1, maxSlotMs: 10_000 });
    const slots = Array.from({ length: 30 }, () => queue.slot(0));
    expect(slots.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, index) => (index + 1) * 1_000));
    const rest = slots.slice(10);
    expect(Math.min(...rest)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...rest)).toBeLessThanOrEqual(10_000);
    expect(new Set(rest).size).toBe(20);
  });
});

describe("the ramp", () => {
  it("begins with a tenth of the rate and nothing at once", () => {
    const queue = queueOf({ ratePerSecond: 100, burst: 10, rampMs: 1_000, maxWaiting: 1_000 });
    expect(kinds(arrive(queue, clients(400), 0))).toBe("");
    let admitted = 0;
    for (let nowMs = 1; nowMs <= 1_000; nowMs += 1) admitted += takeAll(queue, nowMs).length;
    // The mean of a tenth and all of 100 a second.
    expect(admitted).toBe(55);
    expect(queue.stats(1_000).ratePerSecond).toBe(100);
  });
});

it("takes other settings while it runs", () => {
  const queue = queueOf({ ratePerSecond: 1, burst: 1, maxWaiting: 100, maxWaitMs: 60_000 });
  arrive(queue, clients(11), 0);
  queue.configure(
    resolveAdmissionSettings({ ratePerSecond: 1_000, burst: 10, rampMs: 0, maxWaiting: 100 }),
    0,
  );
  expect(kinds(takeAll(queue, 10))).toBe("a".repeat(10));
});

/** A fleet that crashed: all come at once, whoever is refused comes back at its slot. The promise of the whole design. */
describe.each([1, 2, 3, 4, 5])("a fleet of 2,000 at 200 a second, seed %i", (seed) => {
  it.each([
    ["a line of 100", { maxWaiting: 100 }],
    ["the default line", {}],
  ])("is in after ten seconds and a bit, never faster than the rate: %s", (_name, line) => {
    const settings = resolveAdmissionSettings({ ratePerSecond: 200, rampMs: 1_000, ...line });
    const random = seededRandom(seed);
    const queue = new AdmissionQueue<Client>(settings, random, 0);
    const due: { atMs: number; client: Client }[] = clients(2_000).map((client) => ({
      atMs: random.next() * 500,
      client,
    }));
    const told: { atMs: number; client: Client }[] = [];
    const admittedAt: number[] = [];
    for (let nowMs = 0; admittedAt.length < 2_000; nowMs += 1) {
      expect(nowMs).toBeLessThan(14_000);
      for (const each of due.filter(({ atMs }) => atMs <= nowMs)) {
        due.splice(due.indexOf(each), 1);
        queue.arrived(each.client, nowMs);
      }
      for (const each of told.filter(({ atMs }) => atMs <= nowMs)) {
        told.splice(told.indexOf(each), 1);
        queue.finished(each.client, nowMs);
      }
      for (const decision of takeAll(queue, nowMs)) {
        expect(decision.kind).not.toBe("unheard");
        if (decision.kind === "refused") {
          // It takes two slow round trips to tell it.
          told.push({ atMs: nowMs + 200, client: decision.client });
          due.push({ atMs: nowMs + decision.retryAfterMs, client: decision.client });
        }
        if (decision.kind !== "admitted") continue;
        admittedAt.push(nowMs);
        queue.finished(decision.client, nowMs);
      }
    }
    const busiest = Math.max(
      ...admittedAt.map((from, index) => admittedAt.slice(index).filter((at) => at < from + 1_000).length),
    );
    expect(busiest).toBeLessThanOrEqual(220);
    // Refused once each, hardly ever twice: the slots fit the rate.
    expect(queue.stats(0).refused).toBeLessThan(2_200);
  });
});

describe("openings", () => {
  const rate = { ratePerSecond: 100, burst: 5, maxHandshakes: 1_000, maxWaiting: 1_000 };

  /** What is decided from now until nothing is left to do, with the time of each. */
  function run(queue: AdmissionQueue<Client>, fromMs: number, untilMs: number) {
    const log: { readonly atMs: number; readonly decision: Admission<Client> }[] = [];
    for (let nowMs = fromMs; nowMs <= untilMs; ) {
      log.push(...takeAll(queue, nowMs).map((decision) => ({ atMs: nowMs, decision })));
      const wakeAt = queue.nextWakeAt(nowMs);
      if (wakeAt === undefined) break;
      nowMs = Math.max(wakeAt, nowMs + 0.001);
    }
    return log;
  }

  const busiestSecond = (times: readonly number[]): number =>
    Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length));

  it("go on at the rate, in order, when a machine that stood still finishes its handshakes in one moment", () => {
    const queue = queueOf(rate);
    const all = clients(200);
    for (const client of all) queue.arrived(client, 0);
    const begun = run(queue, 0, 1_000).filter(({ decision }) => decision.kind === "admitted");
    expect(begun).toHaveLength(105);
    for (const { decision } of begun) expect(queue.ready(decision.client, 1_000)).toBe(true);
    const opened = run(queue, 1_000, 3_100).filter(({ decision }) => decision.kind === "opens");
    expect(opened.map(({ decision }) => decision.client.name)).toEqual([...all.keys()].slice(0, 105));
    expect(opened.filter(({ atMs }) => atMs === 1_000)).toHaveLength(5);
    expect(busiestSecond(opened.map(({ atMs }) => atMs))).toBeLessThanOrEqual(105);
    expect(opened.at(-1)?.atMs).toBeCloseTo(2_000, 0);
  });

  it.each([1, 2, 3, 4, 5])(
    "never exceed rate and burst in any second, however handshakes bunch (seed %i)",
    (seed) => {
      const random = seededRandom(seed);
      const queue = queueOf(rate);
      const openedAt: number[] = [];
      const readyAt = new Map<Client, number>();
      const all = clients(600);
      for (const client of all) queue.arrived(client, 0);
      let stalledUntil = 0;
      let stalledMs = 0;
      for (let nowMs = 0; openedAt.length < all.length; nowMs += 5) {
        // The machine stands still now and then, for up to half a second.
        if (nowMs < stalledUntil) {
          stalledMs += 5;
          continue;
        }
        if (random.next() < 0.01) stalledUntil = nowMs + 500 * random.next();
        for (const [client, atMs] of readyAt)
          if (atMs <= nowMs && readyAt.delete(client)) queue.ready(client, nowMs);
        for (const decision of takeAll(queue, nowMs)) {
          if (decision.kind === "admitted") readyAt.set(decision.client, nowMs + 300 * random.next());
          // Who waits for too long comes back later; here, at once.
          if (decision.kind === "refused") comeAgain(queue, decision.client, nowMs);
          if (decision.kind !== "opens") continue;
          openedAt.push(nowMs);
          queue.finished(decision.client, nowMs);
        }
      }
      expect(busiestSecond(openedAt)).toBeLessThanOrEqual(105);
      // What is lost by it is what the machine stood still, and the time of one handshake.
      expect(openedAt.at(-1)).toBeLessThanOrEqual((600 / 100) * 1_000 + stalledMs + 300);
    },
  );

  it("take no place from those who come next, and together they are hardly more than handshakes may be", () => {
    const queue = queueOf({ ...rate, maxHandshakes: 50 });
    for (const client of clients(1_000)) queue.arrived(client, 0);
    const underWay: Client[] = [];
    let most = 0;
    for (let nowMs = 0; nowMs < 6_000; nowMs += 10) {
      for (const decision of takeAll(queue, nowMs)) {
        if (decision.kind === "admitted") underWay.push(decision.client);
        if (decision.kind === "refused") comeAgain(queue, decision.client, nowMs);
        if (decision.kind === "opens") queue.finished(decision.client, nowMs);
      }
      // The other end answers everybody once a second.
      if (nowMs % 1_000 === 990) for (const client of underWay.splice(0)) queue.ready(client, nowMs);
      most = Math.max(most, queue.stats(nowMs).handshakes);
    }
    // As many as were through have begun anew, and opened, one for one.
    expect(most).toBeGreaterThanOrEqual(50);
    expect(most).toBeLessThanOrEqual(50 + 2 * 5);
  });

  it("cost nothing in a quiet time: who is through opens at once", () => {
    const queue = queueOf(rate);
    const [client] = clients(1);
    if (client === undefined) throw new Error("one client");
    expect(kinds(arrive(queue, [client], 0))).toBe("a");
    queue.ready(client, 3);
    expect(queue.nextWakeAt(3)).toBe(3);
    expect(kinds(takeAll(queue, 3))).toBe("o");
  });

  it("follow the ramp, too", () => {
    const queue = queueOf({ ...rate, rampMs: 10_000 });
    const all = clients(50);
    for (const client of all) queue.arrived(client, 0);
    run(queue, 0, 2_900);
    const before = all.filter((client) => queue.ready(client, 2_000));
    // A tenth of the rate at the start, and 28 percent after two seconds: 0.1 x 2 + 0.18 seconds of it.
    expect(before.length).toBeGreaterThan(30);
    const opened = run(queue, 2_900, 3_900).filter(({ decision }) => decision.kind === "opens");
    expect(opened.length).toBeLessThanOrEqual(45);
  });

  it("are not for who has gone, was cut off, or never had a handshake; and those cost no turn", () => {
    const queue = queueOf({ ...rate, ratePerSecond: 1, burst: 1, handshakeTimeoutMs: 2_500 });
    const [first, second, third, stranger] = clients(4);
    if (first === undefined || second === undefined || third === undefined || stranger === undefined)
      throw new Error("four clients");
    arrive(queue, [first, second, third], 0);
    takeAll(queue, 1_000);
    takeAll(queue, 2_000);
    for (const client of [first, second, third]) expect(queue.ready(client, 2_000)).toBe(true);
    expect(queue.ready(stranger, 2_000)).toBe(false);
    queue.finished(first, 2_000);
    expect(takeAll(queue, 2_000)).toEqual([{ kind: "opens", client: second }]);
    // The turn of the third would come at 3,000; its handshake may last until 4,500.
    expect(queue.nextWakeAt(2_000)).toBe(3_000);
    expect(takeAll(queue, 4_500).map(({ kind }) => kind)).toEqual(["expired", "expired"]);
    expect(queue.nextWakeAt(4_500)).toBeUndefined();
  });
});
