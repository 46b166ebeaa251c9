import { defineKind, HawserError, unchecked, type StandardSchema } from "@hawser/protocol";
import type { Principal } from "@hawser/principal";
import { systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";
import * as v from "valibot";
import { beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { World, type SimulatedAgent } from "./testing/world.js";
import {
  createAgent,
  defineHandler,
  type DesiredResource,
  type KindContext,
  type ResourceHandler,
} from "./index.js";

// What is marked with @ts-expect-error is held by the compiler, which `npm run lint` runs over tests: a mark that nothing answers to is an error as well.

/** Makes things other than JSON, and fills in what is not there. */
const Lamp = defineKind("Lamp", {
  spec: z.object({
    colour: z.enum(["white", "red"]),
    watts: z.number().positive().default(5),
    until: z.iso
      .datetime()
      .transform((text) => new Date(text))
      .optional(),
  }),
  status: z.object({ state: z.enum(["lit", "dark"]), watts: z.number().max(100) }),
});
type LampSpec = { colour: "white" | "red"; watts: number; until?: Date | undefined };
type LampStatus = { state: "lit" | "dark"; watts: number };

/** A number of a text, when the test lets it. */
function slow(wait: (value: unknown) => Promise<void>): StandardSchema<string, number> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) => {
        await wait(value);
        const number = Number(value);
        return Number.isNaN(number)
          ? { issues: [{ message: "no number", path: [{ key: "n" }] }] }
          : { value: number };
      },
    },
  };
}

let world: World;
let principal: Principal;

beforeEach(async () => {
  world = new World(29);
  ({ principal } = await world.principal());
});

async function started(
  handlers: Readonly<Record<string, ResourceHandler>>,
  options: Parameters<World["agent"]>[0] = {},
): Promise<SimulatedAgent> {
  const one = await world.agent({ handlers, ...options });
  await world.settled(one.agent.start());
  return one;
}

type View = NonNullable<Awaited<ReturnType<Principal["resources"]["get"]>>>;

/** What the principal sees, once that satisfies the test. */
async function view(kind: string, holds: (view: View) => boolean): Promise<View> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 10) {
    const seen = await world.settled(principal.resources.get("one", kind, "north"));
    if (seen !== undefined && holds(seen)) return seen;
    await world.virtual.advance(10);
  }
  throw new Error("never so");
}

const nothing = async () => {};
const put = (kind: string, spec: unknown) =>
  world.settled(principal.resources.put("one", kind, "north", spec as string));

describe("a handler of a kind", () => {
  it("is given what the schema makes of a spec, and says statuses of the other schema", async () => {
    const specs: LampSpec[] = [];
    const handler = defineHandler(Lamp, {
      async apply(resource, context) {
        expectTypeOf(resource).toEqualTypeOf<DesiredResource<LampSpec>>();
        expectTypeOf(context).toEqualTypeOf<KindContext<LampStatus>>();
        specs.push(resource.spec);
        return { state: "lit", watts: resource.spec.watts };
      },
      delete: nothing,
    });
    await started({ Lamp: handler });
    await put("Lamp", { colour: "white", until: "2026-12-01T00:00:00Z", more: 1 });
    const seen = await view("Lamp", ({ status }) => status !== undefined);
    expect(seen).toMatchObject({ state: "delivered", status: { state: "lit", watts: 5 } });
    expect(specs).toEqual([{ colour: "white", watts: 5, until: new Date("2026-12-01T00:00:00Z") }]);
  });

  it("never sees a spec that does not fit: it is refused for good, with all that is wrong", async () => {
    let applied = 0;
    await started({
      Lamp: defineHandler(Lamp, {
        apply: async () => {
          applied += 1;
        },
        delete: nothing,
      }),
    });
    await put("Lamp", { colour: "blue", watts: -1 });
    const seen = await view("Lamp", ({ state }) => state !== "pending");
    expect(seen.state).toBe("refused");
    const [letter] = await world.settled(principal.deadLetters("one", { limit: 10 }));
    expect(letter).toMatchObject({ resourceid: `north_${seen.uid}`, code: "handler_rejected" });
    expect(letter?.message).toMatch(
      /^the spec of Lamp\/north does not fit: spec\.colour: .+; spec\.watts: .+$/,
    );
    expect(applied).toBe(0);
  });

  it("may have schemas of valibot, and of any other library, that take their time", async () => {
    const Fan = defineKind("Fan", { spec: v.object({ rpm: v.optional(v.number(), 100) }) });
    const Knob = defineKind("Knob", { spec: slow(async () => {}) });
    const specs: unknown[] = [];
    await started({
      Fan: defineHandler(Fan, {
        apply: async ({ spec }) => {
          expectTypeOf(spec).toEqualTypeOf<{ rpm: number }>();
          specs.push(spec);
          return { anything: true };
        },
        delete: nothing,
      }),
      Knob: defineHandler(Knob, { apply: async ({ spec }) => void specs.push(spec), delete: nothing }),
    });
    await put("Fan", {});
    await view("Fan", ({ state, status }) => state === "delivered" && status !== undefined);
    await put("Knob", "12");
    await view("Knob", ({ state }) => state === "delivered");
    await put("Knob", "x");
    await view("Knob", ({ state }) => state === "refused");
    expect(specs).toEqual([{ rpm: 100 }, 12]);
    const [letter] = await world.settled(principal.deadLetters("one", { limit: 10 }));
    expect(letter?.message).toBe("the spec of Knob/north does not fit: spec.n: no number");
  });

  it("has a spec tried again whose schema threw: that is a mistake of the program, not of the spec", async () => {
    let failures = 2;
    const broken = slow(async () => {
      failures -= 1;
      if (failures >= 0) throw new Error("the database is away");
    });
    const Knob = defineKind("Knob", { spec: broken });
    await started({ Knob: defineHandler(Knob, { apply: nothing, delete: nothing }) });
    await put("Knob", "1");
    const seen = await view("Knob", ({ waiting }) => waiting?.reason === "nacked");
    expect(seen.waiting?.message).toMatch(
      /handler_failed: .*the spec of Knob\/north cannot be checked: the schema threw: the database is away/,
    );
    await view("Knob", ({ state }) => state === "delivered");
    expect(failures).toBe(-1);
  });

  it("has a status that does not fit told as one that cannot be sent, and its report refused", async () => {
    let context: KindContext<LampStatus> | undefined;
    await started({
      Lamp: defineHandler(Lamp, {
        async apply(_resource, given) {
          context = given;
          return { state: "lit", watts: 1_000 };
        },
        delete: nothing,
      }),
    });
    await put("Lamp", { colour: "red" });
    const seen = await view("Lamp", ({ status }) => status !== undefined);
    // The lamp is lit, so the spec is answered for.
    expect(seen.state).toBe("delivered");
    expect(seen.status).toMatchObject({ state: "unreportable", code: "invalid_event" });
    expect(seen.status).toHaveProperty(
      "message",
      expect.stringMatching(/^the status of Lamp\/north does not fit: status\.watts: /),
    );
    expect(world.log).toContainEqual(
      expect.objectContaining({ level: "error", msg: expect.stringContaining("Lamp/north does not fit") }),
    );
    await expect(context?.report({ state: "dark", watts: 101 })).rejects.toMatchObject({
      code: "invalid_event",
      message: /status\.watts/,
    });
    await world.settled(context?.report({ state: "dark", watts: 0 }) ?? nothing());
    await view("Lamp", ({ status }) => JSON.stringify(status) === '{"state":"dark","watts":0}');
  });

  it("has the newest of its statuses said, however long the schema takes for another", async () => {
    const waiting = new Map<unknown, () => void>();
    const status = slow((value) => new Promise((resolve) => waiting.set(value, resolve)));
    const Knob = defineKind("Knob", { spec: unchecked<string>(), status });
    let context: KindContext<string> | undefined;
    await started({
      Knob: defineHandler(Knob, {
        async apply(_resource, given) {
          context = given;
        },
        delete: nothing,
      }),
    });
    await put("Knob", "1");
    await view("Knob", ({ state }) => state === "delivered");
    const [older, newer] = [context?.report("1") ?? nothing(), context?.report("2") ?? nothing()];
    waiting.get("2")?.();
    await world.settled(newer);
    waiting.get("1")?.();
    await world.settled(older);
    await view("Knob", ({ status }) => status === "2");
    await world.virtual.advance(5_000);
    expect((await view("Knob", () => true)).status).toBe("2");
  });

  it("takes up what fits after a restart, and leaves out what fits no more", async () => {
    const before = await started({ Lamp: { apply: nothing, delete: nothing } });
    await put("Lamp", { colour: "blue" });
    await view("Lamp", ({ state }) => state === "delivered");
    await world.settled(principal.resources.put("one", "Lamp", "south", { colour: "red" }));
    await world.until(() => before.applied.length === 2);
    await world.settled(before.agent.stop());
    await world.settled(before.store.stop());
    const calls: string[] = [];
    const note = (call: string) => async (resource: { readonly name: string; readonly spec?: LampSpec }) =>
      void calls.push(`${call} ${resource.name} ${resource.spec?.watts ?? "-"}`);
    await started(
      {
        Lamp: defineHandler(Lamp, {
          apply: note("apply"),
          delete: note("delete"),
          restore: note("restore"),
          check: note("check"),
        }),
      },
      { disk: before.disk, checkIntervalMs: null },
    );
    await world.until(() => calls.includes("check south 5"));
    expect(calls).toEqual(["restore south 5", "check south 5"]);
    const logged = world.log.filter(({ err }) => String(err).includes("Lamp/north does not fit"));
    expect(logged.map(({ level }) => level)).toEqual(["error", "warn"]);
    await world.settled(principal.resources.delete("one", "Lamp", "north"));
    await world.until(() => calls.includes("delete north -"));
  });

  it("keeps what it was written with: output, stop, and the object its methods belong to", async () => {
    class LampDriver {
      readonly calls: string[] = [];
      async apply(): Promise<void> {
        this.calls.push("apply");
      }
      async delete(): Promise<void> {
        this.calls.push("delete");
      }
      output(): void {
        this.calls.push("output");
      }
      async stop(): Promise<void> {
        this.calls.push("stop");
      }
    }
    const driver = new LampDriver();
    const handler = defineHandler(Lamp, driver);
    await handler.output?.({ kind: "Lamp", name: "north", request: "r", forMs: 1 });
    await handler.stop?.();
    expect(driver.calls).toEqual(["output", "stop"]);
    expect([handler.check, handler.restore]).toEqual([undefined, undefined]);
  });
});

describe("a handler under the wrong kind", () => {
  const parts = {
    name: "one",
    store: createMemoryStore(),
    dialer: createMemoryTransport().dialer,
    runtime: systemRuntime(),
  };
  const handler = defineHandler(Lamp, { apply: nothing, delete: nothing });

  it("is refused, by the compiler as well", () => {
    expect(createAgent({ ...parts, handlers: { Lamp: handler } }).name).toBe("one");
    // @ts-expect-error it was made for Lamp
    expect(() => createAgent({ ...parts, handlers: { Lmap: handler } })).toThrow(
      "handlers: that of Lmap was made for Lamp",
    );
  });

  it("and one that does not fit its kind", () => {
    // @ts-expect-error no such member of the spec
    expect(defineHandler(Lamp, { apply: async ({ spec }) => void spec.color, delete: nothing }).kind).toBe(
      "Lamp",
    );
    // @ts-expect-error no status of the kind
    expect(defineHandler(Lamp, { apply: async () => ({ state: "on" }), delete: nothing }).kind).toBe("Lamp");
    // @ts-expect-error it lacks a half
    expect(() => defineHandler(Lamp, { apply: nothing })).toThrow(HawserError);
  });
});
