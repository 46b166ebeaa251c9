import { describe, expect, it } from "vitest";
import { runInLanes } from "./lanes.js";
import { tellInOrder } from "./tell-in-order.js";

/** Steps that end when the test says so. */
class Steps {
  readonly begun: string[] = [];
  readonly #open = new Map<string, { resolve: (name: string) => void; reject: (why: Error) => void }>();

  readonly step = (name: string): Promise<string> =>
    new Promise((resolve, reject) => {
      this.begun.push(name);
      this.#open.set(name, { resolve, reject });
    });

  async end(name: string): Promise<void> {
    this.#open.get(name)?.resolve(name);
    await settled();
  }

  async fail(name: string): Promise<void> {
    this.#open.get(name)?.reject(new Error(name));
    await settled();
  }
}

/** Until everything that follows from what was done has been done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

const plan = { laneOf: (name: string) => name.charAt(0), atOnce: 3 };

describe("lanes", () => {
  it("so many at once and not one more, one of each lane, as near to the order as that lets", async () => {
    const steps = new Steps();
    const items = ["a1", "a2", "b1", "b2", "c1", "d1", "a3"];
    const running = runInLanes(items, plan, async (name) => void (await steps.step(name)));
    await settled();
    expect(steps.begun).toEqual(["a1", "b1", "c1"]);
    await steps.end("c1");
    expect(steps.begun.slice(3)).toEqual(["d1"]);
    await steps.end("a1");
    expect(steps.begun.slice(4)).toEqual(["a2"]);
    await steps.end("d1");
    expect(steps.begun.slice(5)).toEqual([]);
    for (const name of ["b1", "a2", "b2", "a3"]) await steps.end(name);
    expect(await running).toEqual([]);
    expect(steps.begun).toEqual(["a1", "b1", "c1", "d1", "a2", "b2", "a3"]);
  });

  it("after a failure none is begun, those under way are waited for, and failures come in the order of the items", async () => {
    const steps = new Steps();
    const running = runInLanes(["a1", "b1", "c1", "b2"], plan, async (name) => void (await steps.step(name)));
    let over = false;
    void running.then(() => (over = true));
    await settled();
    await steps.fail("c1");
    await steps.end("b1");
    expect(over).toBe(false);
    await steps.fail("a1");
    expect((await running).map(({ index, thrown }) => [index, String(thrown)])).toEqual([
      [0, "Error: a1"],
      [2, "Error: c1"],
    ]);
    expect(steps.begun).toEqual(["a1", "b1", "c1"]);
  });

  it("nothing to do is done", async () => {
    expect(await runInLanes([], plan, () => Promise.reject(new Error("none")))).toEqual([]);
  });
});

describe("telling in order", () => {
  it("tells of each once all before it are done", async () => {
    const steps = new Steps();
    const told: string[] = [];
    const running = tellInOrder(["a1", "b1", "c1"], plan, steps.step, (name) => told.push(name));
    await settled();
    await steps.end("b1");
    expect(told).toEqual([]);
    await steps.end("a1");
    expect(told).toEqual(["a1", "b1"]);
    await steps.end("c1");
    await running;
    expect(told).toEqual(["a1", "b1", "c1"]);
  });

  it("tells of what was done behind a failure", async () => {
    const steps = new Steps();
    const told: string[] = [];
    const running = tellInOrder(["a1", "b1", "c1", "d1"], plan, steps.step, (name) => told.push(name));
    await settled();
    await steps.end("c1");
    await steps.fail("a1");
    await steps.end("d1");
    await steps.end("b1");
    expect((await running).map(({ index }) => index)).toEqual([0]);
    expect(told).toEqual(["b1", "c1", "d1"]);
  });
});
