import { EVENT_TYPES, HawserError, OUTPUT_REQUEST_TYPE, type OutputRequest } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { describe, expect, it } from "vitest";
import { ResourceDispatcher } from "./resource-dispatcher.js";
import type { ResourceHandler } from "./resource-handler.js";
import { HandlerSignals } from "./handler-signals.js";
import { StatusReporter } from "./status-reporter.js";

async function dispatcher(
  apply: ResourceHandler["apply"],
  remove: ResourceHandler["delete"] = () => Promise.resolve(),
  output?: ResourceHandler["output"],
) {
  const { runtime } = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime });
  await store.start();
  const reporter = new StatusReporter({ agent: "one", runtime, store, source: "test" });
  const made = new ResourceDispatcher({
    maxHeld: 2,
    handlers: {
      Job: {
        apply,
        delete: remove,
        stop: () => Promise.resolve(),
        ...defined({ output }),
      },
    },
    retained: store.retained,
    reporter,
    signals: new HandlerSignals(new AbortController().signal),
    logger: runtime.logger,
    peerStore: () => "s",
  });
  return { made, reporter };
}

let versions = 0;

function delivery(type: string, name: string) {
  versions += 1;
  const data = { kind: "Job", name, uid: "u", ...(type === EVENT_TYPES.spec ? { spec: 1 } : {}) };
  const event = {
    specversion: "1.0",
    id: String(versions),
    source: "/test",
    type,
    subject: `Job/${name}`,
    resourceid: `${name}_u`,
    eventid: String(versions),
    data,
  } as const;
  const { signal } = new AbortController();
  return { event, version: versions, attempt: 1, peerStore: "s", epoch: 1, signal };
}

const spec = (name: string) => delivery(EVENT_TYPES.spec, name);

it("takes no more resources than it may hold, until one is deleted", async () => {
  const { made } = await dispatcher(() => Promise.resolve());
  await made.spec(spec("a"));
  await made.spec(spec("b"));
  expect(await made.spec(spec("c"))).toMatchObject({ kind: "retry", error: { code: "inbox_full" } });
  // What is held may change.
  expect(await made.spec(spec("a"))).toMatchObject({ kind: "applied" });
  await made.delete(delivery(EVENT_TYPES.delete, "a"));
  expect(await made.spec(spec("c"))).toMatchObject({ kind: "applied" });
});

it("counts what failed and may have begun, and not what was refused for good", async () => {
  const { made, reporter } = await dispatcher(({ name }) =>
    Promise.reject(
      name.startsWith("refused") ? new HawserError("handler_rejected", "no") : new Error("failed"),
    ),
  );
  for (let index = 0; index < 50; index += 1)
    await expect(made.spec(spec(`refused-${index}`))).rejects.toThrow("no");
  expect(reporter.size).toBe(0);
  for (const name of ["a", "b"]) await expect(made.spec(spec(name))).rejects.toThrow("failed");
  expect(await made.spec(spec("c"))).toMatchObject({ kind: "retry" });
  expect(reporter.size).toBe(2);
});

it.each([
  ["refuses", new HawserError("handler_rejected", "no")],
  ["fails", new Error("no")],
])(
  "remembers nothing of resources that it does not hold, where the handler %s to delete them",
  async (_, thrown) => {
    const { made, reporter } = await dispatcher(
      () => Promise.resolve(),
      () => Promise.reject(thrown),
    );
    await made.spec(spec("held"));
    for (let index = 0; index < 50; index += 1)
      await expect(made.delete(delivery(EVENT_TYPES.delete, `unknown-${index}`))).rejects.toThrow("no");
    await expect(made.delete(delivery(EVENT_TYPES.delete, "held"))).rejects.toThrow("no");
    expect(reporter.size).toBe(1);
  },
);

describe("a request for output", () => {
  const request = (kind: string, name: string, data: object = {}) => {
    const made = delivery(OUTPUT_REQUEST_TYPE, name);
    const whole = { kind, name, request: "r", forMs: 90_000, ...data };
    return { ...made, event: { ...made.event, subject: `${kind}/${name}`, data: whole } };
  };

  it("reaches the handler of what is held, for a minute at most", async () => {
    const asked: OutputRequest[] = [];
    const output = (each: OutputRequest): void => void asked.push(each);
    const { made } = await dispatcher(() => Promise.resolve(), undefined, output);
    await made.spec(spec("a"));
    const after = { log: "l", line: 1 };
    expect(await made.output(request("Job", "a", { after }))).toEqual({ kind: "applied" });
    expect(asked).toEqual([{ kind: "Job", name: "a", request: "r", forMs: 60_000, after }]);
  });

  it.each([
    ["of what is not held", "Job", "b", {}, { code: "handler_rejected" }],
    ["of a kind without a handler", "Lamp", "a", {}, { error: { code: "no_handler" } }],
    ["that is none", "Job", "a", { forMs: -1 }, { error: { code: "invalid_event" } }],
  ])("%s is refused for good", async (_, kind, name, data, error) => {
    const { made } = await dispatcher(
      () => Promise.resolve(),
      undefined,
      () => {},
    );
    await made.spec(spec("a"));
    await expect(made.output(request(kind, name, data))).rejects.toMatchObject(error);
  });

  it("of a kind that shows nothing is refused for good", async () => {
    const { made } = await dispatcher(() => Promise.resolve());
    await made.spec(spec("a"));
    await expect(made.output(request("Job", "a"))).rejects.toMatchObject({ error: { code: "no_handler" } });
  });
});
