import { expect, it } from "vitest";
import { KeyedQueue } from "./keyed-queue.js";

/** A task that ends when the test says so, and what began in which order. */
function stage() {
  const begun: string[] = [];
  const ends = new Map<string, { readonly resolve: () => void; readonly reject: (why: Error) => void }>();
  const task = (name: string) => () =>
    new Promise<string>((resolve, reject) => {
      begun.push(name);
      ends.set(name, { resolve: () => resolve(name), reject });
    });
  return {
    begun,
    task,
    end: (name: string) => ends.get(name)?.resolve(),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}

it("runs tasks of one key one after another, and others at once", async () => {
  const { begun, task, end } = stage();
  const queue = new KeyedQueue();
  const first = queue.run("a", task("a1"));
  const second = queue.run("a", task("a2"));
  const other = queue.run("b", task("b1"));
  expect(begun).toEqual(["a1", "b1"]);
  end("b1");
  expect(await other).toBe("b1");
  expect(begun).toEqual(["a1", "b1"]);
  end("a1");
  expect(await first).toBe("a1");
  await Promise.resolve();
  end("a2");
  expect(await second).toBe("a2");
  expect(begun).toEqual(["a1", "b1", "a2"]);
});

it("goes on behind a task that fails, and tells its caller alone", async () => {
  const { task, end, fail } = stage();
  const queue = new KeyedQueue();
  const first = queue.run("a", task("a1"));
  const second = queue.run("a", task("a2"));
  fail("a1");
  await expect(first).rejects.toThrow("a1");
  end("a2");
  expect(await second).toBe("a2");
});

it("is idle once every task that was given has ended, failed ones included", async () => {
  const { task, end, fail } = stage();
  const queue = new KeyedQueue();
  const first = queue.run("a", task("a1"));
  const other = queue.run("b", task("b1"));
  let idle = false;
  const waited = queue.idle().then(() => {
    idle = true;
  });
  end("a1");
  await first;
  expect(idle).toBe(false);
  fail("b1");
  await expect(other).rejects.toThrow("b1");
  await waited;
  expect(idle).toBe(true);
  await new KeyedQueue().idle();
});
