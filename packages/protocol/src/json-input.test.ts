import { describe, expect, expectTypeOf, it } from "vitest";
import {
  checkDraft,
  HawserError,
  jsonOf,
  specEvent,
  statusEvent,
  type EventInput,
  type JsonInput,
  type JsonLike,
  type JsonValue,
} from "./index.js";

// What is marked with @ts-expect-error is held by the compiler, which `npm run lint` runs over tests: a mark that nothing answers to is an error as well.
interface Bulb {
  readonly colour: string;
  readonly watts?: number;
}
interface Lamp {
  readonly state: "lit" | "dark";
  readonly bulbs: readonly Bulb[];
  readonly near?: Lamp;
  readonly note?: string | undefined;
  readonly by: Record<string, Bulb | null>;
}
interface Nothing {}
enum Colour {
  white = "white",
}

const lamp: Lamp = { state: "lit", bulbs: [{ colour: "white" }], by: { a: null } };
const nothing: Nothing = {};
const json: JsonValue = [1, { a: null }];
const like: JsonLike = lamp;
const unknown: unknown = 1;
const anything: ReturnType<typeof JSON.parse> = 1;
const chance: boolean = json.length > 0;

const give = <Given>(value: Given & JsonInput<Given>): JsonValue => jsonOf(value);

describe("what a caller gives as JSON", () => {
  it("may be of an interface, with optional members and others inside", () => {
    for (const given of [
      give(lamp),
      give({ lamp, list: [lamp, null], tuple: [1, "a"] as const }),
      give(nothing),
      give({}),
      give([]),
      give("text"),
      give(null),
      give(json),
      give(like),
      give(anything),
      give({ anything, colour: Colour.white }),
      give(chance ? { a: 1 } : {}),
      give({ ...(chance ? { a: 1 } : {}), b: 2 }),
    ])
      expectTypeOf(given).toEqualTypeOf<JsonValue>();
  });

  it("is refused by the compiler, and by name at run time, where it is none", () => {
    const when = new Date(0);
    const deep = { list: [{ big: 1n }] };
    const wrong: (() => unknown)[] = [
      // @ts-expect-error a Date is an object of a class: JSON.stringify would turn it into something else
      () => give(when),
      // @ts-expect-error also inside
      () => give({ at: when }),
      // @ts-expect-error a Map
      () => give(new Map()),
      // @ts-expect-error bytes
      () => give({ bytes: new Uint8Array(1) }),
      // @ts-expect-error a bigint, however deep
      () => give(deep),
      // @ts-expect-error a symbol
      () => give(Symbol("a")),
      // @ts-expect-error a function
      () => give(() => 1),
      // @ts-expect-error a method
      () => give({ lit() {} }),
      // @ts-expect-error a class
      () => give({ Date }),
      // @ts-expect-error nothing at all
      () => give(undefined),
      // @ts-expect-error an item that is not there
      () => give([undefined]),
    ];
    for (const give of wrong) expect(give).toThrow(HawserError);
    for (const give of wrong) expect(give).toThrow(/^data (?:contains|is)/);
  });

  it("has to be known to the compiler", () => {
    const object: object = {};
    // @ts-expect-error it may be anything
    give(unknown);
    // @ts-expect-error so may a member
    give({ unknown });
    // @ts-expect-error it may have any members
    give(object);
    // @ts-expect-error JSON leaves it out, so that no reader may count on it: it should be optional
    give({ note: undefined });
    // @ts-expect-error the same
    give({ note: lamp.note });
  });

  it("has members left out that are undefined, and is not copied for anything else", () => {
    const given = { a: undefined, b: [{ c: undefined, d: 1 }], ["__proto__"]: { e: undefined } };
    const kept = jsonOf(given);
    expect(kept).toStrictEqual(JSON.parse('{"b":[{"d":1}],"__proto__":{}}'));
    expect(jsonOf(lamp)).toBe(lamp);
  });

  it("is JSON in specs, statuses and data of events", () => {
    const ref = { id: "1", source: "test", kind: "Lamp", name: "north", uid: "u1" };
    expect(specEvent({ ...ref, spec: lamp }).data).toMatchObject({ spec: lamp });
    expect(statusEvent({ ...ref, status: lamp, observed: "1" }).data).toMatchObject({ status: lamp });
    // @ts-expect-error a Date
    expect(() => specEvent({ ...ref, spec: { at: new Date(0) } })).toThrow(/neither plain/);
    // @ts-expect-error a bigint
    expect(() => statusEvent({ ...ref, status: 1n, observed: "1" })).toThrow(/cannot carry/);

    const publish = <Data = JsonValue>(event: EventInput<Data>) => checkDraft(event).data;
    const event = { specversion: "1.0", id: "1", source: "a", type: "b", resourceid: "a_1" } as const;
    expect(publish({ ...event, data: lamp })).toBe(lamp);
    expect(publish(event)).toBeUndefined();
    expect(publish({ ...event, data: new Uint8Array([1]) })).toEqual(new Uint8Array([1]));
    expect(
      publish({
        ...event,
        traceparent: "a",
        data: { note: lamp.note, lamp } as { note?: string; lamp: Lamp },
      }),
    ).toStrictEqual({ lamp });
    expect(publish(checkDraft({ ...event, data: null }))).toBeNull();
    // @ts-expect-error a Date
    expect(() => publish({ ...event, data: { at: new Date(0) } })).toThrow(/neither plain/);
    // @ts-expect-error an extension is no object of a class either
    expect(() => publish({ ...event, data: lamp, ext: new Date(0) })).toThrow(HawserError);
  });
});
