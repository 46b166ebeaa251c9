import {
  defineKind,
  statusEvent,
  unchecked,
  type Checked,
  type JsonValue,
  type StandardSchema,
} from "@hawser/protocol";
import { createMemoryStore, type Store } from "@hawser/store";
import { heldBy } from "../testing/held-by.js";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { createPrincipal, type KindResources, type KindView, type Principal } from "../index.js";

// What is marked with @ts-expect-error is held by the compiler, which `npm run lint` runs over tests: a mark that nothing answers to is an error as well.

const Lamp = defineKind("Lamp", {
  spec: z.object({ colour: z.enum(["white", "red"]), watts: z.coerce.number().default(5) }),
  status: z.object({ lit: z.boolean(), since: z.iso.datetime().transform((text) => new Date(text)) }),
});
type LampSpec = { colour: "white" | "red"; watts: number };
type LampStatus = { lit: boolean; since: Date };

let world: VirtualRuntime;
let store: Store;
let principal: Principal;
let lamps: ReturnType<typeof ofLamp>;
const rejected: string[] = [];
const ofLamp = () => principal.resources.of(Lamp);

beforeEach(async () => {
  rejected.length = 0;
  world = createVirtualRuntime({ seed: 1 });
  store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  principal = createPrincipal({
    store,
    runtime: world.runtime,
    acceptors: [createMemoryTransport({ timers: world.runtime.timers }).acceptor],
    observer: { rejected: (agent, code) => rejected.push(`${agent} ${code}`) },
  });
  await principal.start();
  lamps = ofLamp();
});

afterEach(async () => {
  await principal.stop();
  const stopped = store.stop();
  await world.advance(100);
  await stopped;
});

/** As if the agent had reported it. */
async function reported(version: number, uid: string, status: JsonValue): Promise<void> {
  const about = { id: "s", source: "test", kind: "Lamp", name: "north", uid };
  const keep = { ...statusEvent({ ...about, status, observed: "1" }), eventid: String(version) };
  const lease = await heldBy(store, "edge-1");
  await lease.record([{ resourceid: keep.resourceid, version, retain: { keep } }]);
  await lease.close();
}

describe("the resources of a kind", () => {
  it("are put as the schema takes them, and read as it makes them", async () => {
    expectTypeOf(lamps).toExtend<KindResources<LampSpec, LampStatus, { colour: "white" | "red" }>>();
    const { resource, created, changed } = await lamps.put("edge-1", "north", { colour: "white" });
    expectTypeOf(resource).toEqualTypeOf<KindView<LampSpec, LampStatus>>();
    expectTypeOf(resource.spec).toEqualTypeOf<Checked<LampSpec> | null>();
    expect([created, changed]).toEqual([true, true]);
    expect(resource).toMatchObject({ kind: "Lamp", name: "north", state: "pending", status: undefined });
    expect(resource.spec).toEqual({ ok: true, value: { colour: "white", watts: 5 } });
    // What travels is what was given: the agent's schema fills in its own defaults.
    expect((await principal.resources.get("edge-1", "Lamp", "north"))?.spec).toEqual({ colour: "white" });
    expect((await lamps.put("edge-1", "north", { colour: "white" })).changed).toBe(false);
    // A schema that coerces takes any JSON there.
    await lamps.put("edge-1", "north", { colour: "red", watts: "7" });
    expect((await lamps.get("edge-1", "north"))?.spec).toMatchObject({ value: { colour: "red", watts: 7 } });
  });

  it("are refused when they do not fit, before anything is accepted, with all that is wrong", async () => {
    // @ts-expect-error no such colour
    const blue = lamps.put("edge-1", "north", { colour: "blue", watts: "many" });
    await expect(blue).rejects.toMatchObject({
      code: "invalid_event",
      agent: "edge-1",
      message: /^the spec of Lamp\/north does not fit: spec\.colour: .+; spec\.watts: .+$/,
    });
    // @ts-expect-error no such member
    await lamps.put("edge-1", "south", { colour: "white", color: "white" });
    // @ts-expect-error no JSON, although the schema could make something of it
    const date = lamps.put("edge-1", "north", { colour: "red", watts: new Date(0) });
    await expect(date).rejects.toMatchObject({ code: "invalid_event", message: /neither plain/ });
    // A dry run looks as closely.
    const tried = lamps.put("edge-1", "north", { colour: "" as "red" }, { dryRun: true });
    await expect(tried).rejects.toMatchObject({ code: "invalid_event" });
    expect(await lamps.get("edge-1", "north")).toBeUndefined();
    expect(rejected).toEqual(Array.from({ length: 3 }, () => "edge-1 invalid_event"));
  });

  it("show what does not fit as it is, and never throw it at whoever reads", async () => {
    const { resource } = await principal.resources.put("edge-1", "Lamp", "north", { colour: "blue" });
    await reported(1, resource.uid, { state: "unreportable", code: "internal", message: "no" });
    const seen = await lamps.get("edge-1", "north");
    expect(seen?.spec).toMatchObject({
      ok: false,
      issues: [{ path: "colour" }],
      issueCount: 1,
      raw: { colour: "blue" },
    });
    expect(seen?.status).toMatchObject({
      ok: false,
      issueCount: 2,
      raw: { state: "unreportable", code: "internal", message: "no" },
    });
    await reported(2, resource.uid, { lit: true, since: "2026-12-01T00:00:00Z" });
    const status = (await lamps.get("edge-1", "north"))?.status;
    if (status?.ok !== true) throw new Error("it does not fit");
    expectTypeOf(status.value).toEqualTypeOf<LampStatus>();
    expect(status.value).toEqual({ lit: true, since: new Date("2026-12-01T00:00:00Z") });
  });

  it("are listed without those of other kinds, a page at a time", async () => {
    for (const kind of ["Kamp", "Lam", "Lamp2", "Lampe", "Mast"])
      await principal.resources.put("edge-1", kind, "a", {});
    const names = Array.from({ length: 205 }, (_, n) => `l${String(n).padStart(3, "0")}`);
    for (const name of names) await lamps.put("edge-1", name, { colour: "red" });
    const page = await lamps.list("edge-1", { limit: 3, after: "l001" });
    expect(page.map(({ name, kind }) => `${kind}/${name}`)).toEqual(["Lamp/l002", "Lamp/l003", "Lamp/l004"]);
    expect((await lamps.list("edge-1", { limit: 1_000 })).map(({ name }) => name)).toEqual(names);
    const all: string[] = [];
    for await (const { name, spec } of lamps.all("edge-1")) if (spec?.ok === true) all.push(name);
    expect(all).toEqual(names);
    expect(await lamps.list("edge-2", { limit: 10 })).toEqual([]);
  });

  it("are deleted, and have no spec from then on", async () => {
    await lamps.put("edge-1", "north", { colour: "red" });
    expect(await lamps.delete("edge-1", "north")).toMatchObject({ state: "deleting", spec: null });
    expect(await lamps.delete("edge-1", "south")).toBeUndefined();
    expect(await lamps.requestOutput("edge-1", "south", { request: "r", forMs: 1_000 })).toBeUndefined();
  });

  it("may have schemas of valibot, and none for statuses", async () => {
    const fans = principal.resources.of(
      defineKind("Fan", { spec: v.object({ rpm: v.optional(v.number(), 9) }) }),
    );
    const { resource } = await fans.put("edge-1", "north", {});
    expectTypeOf(resource).toEqualTypeOf<KindView<{ rpm: number }, JsonValue>>();
    expect(resource.spec).toEqual({ ok: true, value: { rpm: 9 } });
    await expect(fans.put("edge-1", "north", { rpm: "9" as unknown as number })).rejects.toThrow(
      /spec\.rpm: /,
    );
  });

  it("tell of a schema that fails by name, to who puts; who reads is shown the rest", async () => {
    const broken: StandardSchema<string> = {
      "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new Error("no database")) },
    };
    const knobs = principal.resources.of(defineKind("Knob", { spec: broken }));
    await expect(knobs.put("edge-1", "north", "1")).rejects.toMatchObject({
      code: "internal",
      message: "the spec of Knob/north cannot be checked: the schema threw: no database",
    });
    await principal.resources.put("edge-1", "Knob", "north", "1");
    expect((await knobs.get("edge-1", "north"))?.spec).toEqual({
      ok: false,
      issues: [{ path: "", message: "the schema threw: no database" }],
      issueCount: 1,
      raw: "1",
    });
  });

  it("wait for a schema no longer than the caller does", async () => {
    const never: StandardSchema<string> = {
      "~standard": { version: 1, vendor: "test", validate: () => new Promise(() => {}) },
    };
    const knobs = principal.resources.of(defineKind("Knob", { spec: never }));
    const put = knobs.put("edge-1", "north", "1", { timeoutMs: 1_000 });
    const failed = expect(put).rejects.toMatchObject({ code: "timeout" });
    await world.advance(1_000);
    await failed;
    const controller = new AbortController();
    const given = knobs.put("edge-1", "north", "1", { signal: controller.signal });
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "aborted" });
  });

  it("of a type that is trusted come back as that type", async () => {
    interface ManSpec {
      readonly age: number;
    }
    const men = principal.resources.of(defineKind("Man", { spec: unchecked<ManSpec>() }));
    const man: ManSpec = { age: 40 };
    const { resource } = await men.put("edge-1", "adam", man);
    expectTypeOf(resource.spec).toEqualTypeOf<Checked<ManSpec> | null>();
    expect(resource.spec).toEqual({ ok: true, value: man });
  });
});
