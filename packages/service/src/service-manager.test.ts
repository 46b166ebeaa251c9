import { expect, it } from "vitest";
import { serviceManagerOf, type SendMessage } from "./service-manager.js";
import { steppedRuntime } from "./testing/stepped-runtime.js";

const NOTIFY = { NOTIFY_SOCKET: "/run/notify" };

function told(env: Readonly<Record<string, string>>, fail?: () => Error | undefined) {
  const { runtime, lines, pass } = steppedRuntime();
  const sent: string[] = [];
  const send: SendMessage = async (assignments) => {
    const failure = fail?.();
    if (failure !== undefined) throw failure;
    sent.push(assignments.join(" "));
  };
  const manager = serviceManagerOf(env, "hawser-x 1.2.3", runtime, send);
  /** Lets what was begun come to its end, then time pass. */
  const after = async (ms: number): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    pass(ms);
  };
  return { manager, sent, lines, after };
}

it("tells a manager that wants to know, in order", async () => {
  const { manager, sent, after } = told(NOTIFY);
  manager.ready();
  manager.reloading();
  manager.ready();
  manager.stopping();
  await after(60_000);
  await after(0);
  expect(sent).toEqual([
    "READY=1 STATUS=hawser-x 1.2.3 serves",
    "RELOADING=1 STATUS=hawser-x 1.2.3 reads its files again",
    "READY=1 STATUS=hawser-x 1.2.3 serves",
    "STOPPING=1 STATUS=hawser-x 1.2.3 stops",
  ]);
});

it("tells nobody where nobody asked", async () => {
  for (const env of [{}, { NOTIFY_SOCKET: "" }, { WATCHDOG_USEC: "1000000" }]) {
    const { manager, sent, after } = told(env);
    manager.ready();
    manager.stopping();
    await after(10_000);
    await after(0);
    expect(sent).toEqual([]);
  }
});

it("gives a sign of life in each half of the time that was asked for, once it serves", async () => {
  const { manager, sent, after } = told({
    ...NOTIFY,
    WATCHDOG_USEC: "2000000",
    WATCHDOG_PID: `${process.pid}`,
  });
  await after(5_000);
  expect(sent).toEqual([]);
  manager.ready();
  manager.ready();
  const signs = () => sent.filter((message) => message === "WATCHDOG=1").length;
  await after(999);
  await after(0);
  expect(signs()).toBe(0);
  for (const expected of [1, 2, 3]) {
    await after(expected === 1 ? 1 : 1_000);
    await after(0);
    expect(signs()).toBe(expected);
  }
});

it("gives none for another process, or for a time that is none", async () => {
  const wanted = [
    { WATCHDOG_USEC: "2000000", WATCHDOG_PID: `${process.pid + 1}` },
    { WATCHDOG_USEC: "0" },
    { WATCHDOG_USEC: "soon" },
  ];
  for (const env of wanted) {
    const { manager, sent, after } = told({ ...NOTIFY, ...env });
    manager.ready();
    await after(60_000);
    await after(0);
    expect(sent).toHaveLength(1);
  }
});

it("warns once of what cannot be sent, and goes on trying", async () => {
  let failure: Error | undefined = new Error("spawn systemd-notify ENOENT");
  const { manager, sent, lines, after } = told(NOTIFY, () => failure);
  manager.ready();
  manager.reloading();
  await after(0);
  expect(lines).toEqual([
    expect.objectContaining({
      level: "warn",
      msg: expect.stringMatching(
        /could not be told READY=1: spawn systemd-notify ENOENT; .*NotifyAccess=all/,
      ),
    }),
  ]);
  failure = undefined;
  manager.stopping();
  await after(0);
  expect(sent).toEqual(["STOPPING=1 STATUS=hawser-x 1.2.3 stops"]);
});
