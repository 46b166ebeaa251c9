import { HawserError, type JsonValue } from "@hawser/protocol";
import { systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  createAgent,
  type AgentOptions,
  type DeletedResource,
  type HandlerContext,
  type ResourceHandler,
} from "./index.js";

// What is marked with @ts-expect-error is held by the compiler, which `npm run lint` runs over tests: a mark that nothing answers to is an error as well.
interface LampStatus {
  readonly state: string;
  readonly watts?: number;
}

const parts = {
  name: "one",
  store: createMemoryStore(),
  dialer: createMemoryTransport().dialer,
  runtime: systemRuntime(),
};
const lit: LampStatus = { state: "lit" };
const nothing = async () => {};

class LampHandler implements ResourceHandler {
  async apply(): Promise<LampStatus> {
    return lit;
  }
  async delete(): Promise<void> {}
}

describe("handlers of an agent", () => {
  it("know what they are given, and may return and report what is of an interface", () => {
    const agent = createAgent({
      ...parts,
      handlers: {
        Lamp: {
          async apply({ name, spec }, context) {
            expectTypeOf(name).toEqualTypeOf<string>();
            expectTypeOf(spec).toEqualTypeOf<JsonValue>();
            expectTypeOf(context).toEqualTypeOf<HandlerContext>();
            await context.report(lit);
            if (name === "") return;
            return lit;
          },
          async delete(resource, { signal }) {
            expectTypeOf(resource).toEqualTypeOf<DeletedResource>();
            expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
          },
          async check({ spec }) {
            return { lit, spec };
          },
          async restore({ spec }, { report }) {
            await report({ spec });
          },
        },
        Silent: { apply: nothing, delete: nothing },
        OfAClass: new LampHandler(),
      },
    });
    expect(agent.name).toBe("one");
  });

  it("may be written apart from their agent", () => {
    const handler: ResourceHandler = {
      async apply({ spec }) {
        expectTypeOf(spec).toEqualTypeOf<JsonValue>();
        return lit;
      },
      delete: nothing,
    };
    const byKind: Record<string, ResourceHandler> = { Lamp: handler };
    const options: AgentOptions = { ...parts, handlers: byKind };
    expect([createAgent(options), createAgent({ ...parts, handlers: byKind })]).toHaveLength(2);
  });

  it("are no handlers when what they return is no JSON", () => {
    const made = [
      createAgent({
        ...parts,
        handlers: {
          // @ts-expect-error a Date, somewhere in it
          Lamp: { apply: async ({ name }) => ({ name, at: [new Date(0)] }), delete: nothing },
        },
      }),
      createAgent({
        ...parts,
        // @ts-expect-error a Map
        handlers: { Lamp: { apply: async () => new Map(), delete: nothing } },
      }),
      createAgent({
        ...parts,
        // @ts-expect-error it may be anything
        handlers: { Lamp: { apply: async () => lit as unknown, delete: nothing } },
      }),
      createAgent({
        ...parts,
        // @ts-expect-error the same of check
        handlers: { Lamp: { apply: nothing, delete: nothing, check: async () => ({ watts: 1n }) } },
      }),
      createAgent({
        ...parts,
        handlers: {
          Lamp: {
            // @ts-expect-error what is reported is looked at where it is
            apply: async (_resource, { report }) => report({ at: new Date(0) }),
            delete: nothing,
          },
        },
      }),
    ];
    expect(made).toHaveLength(5);
    class Wrong implements ResourceHandler {
      // @ts-expect-error a class that says what it is has its outermost object looked at
      async apply(): Promise<Date> {
        return new Date(0);
      }
      async delete(): Promise<void> {}
    }
    expect(new Wrong()).toBeInstanceOf(Wrong);
  });

  it("are no handlers when they lack a half", () => {
    // @ts-expect-error delete
    expect(() => createAgent({ ...parts, handlers: { Lamp: { apply: nothing } } })).toThrow(HawserError);
  });
});
