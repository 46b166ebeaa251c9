import { pause, type Timers } from "@hawser/runtime";
import { expect } from "vitest";
import type { MailboxLimits } from "../../contract/limits.js";
import type { Store } from "../../contract/store.js";
import type { StoreStatus } from "../../contract/views.js";
import type { Held } from "../harness.js";

/** One client of a shared store, and what can befall it. */
export interface ClientUnderTest {
  /** Started. Another one after `restart`. */
  readonly store: Store;
  /**
   * Cuts it off from the contents, and from whatever was on its way.
   *
   * @returns what ends that
   */
  partition(): () => void;
  /** Ends its process without a chance to write anything, and starts another one of the same name. */
  restart(): Promise<Store>;
}

/** What a test asks for. */
export interface SharedOptions {
  readonly limits?: Partial<MailboxLimits>;
  /** `none`: what wakes holders is lost, all of it, so that they find out for themselves. @default "all" */
  readonly notifications?: "all" | "none";
}

/** An engine with nothing in it, and its clients. */
export interface SharedUnderTest {
  /** Started, under different names. */
  readonly clients: readonly [ClientUnderTest, ClientUnderTest, ...ClientUnderTest[]];
  /** Of the time the engine lives in: virtual, where it allows that. */
  readonly timers: Timers;
  /** So long a client may be out of reach, in milliseconds, before its holders hear `unreachable`. */
  readonly graceMs: number;
  /** Runs a test while that time goes on. */
  run(test: () => Promise<void>): Promise<void>;
  /** Releases everything. */
  dispose(): Promise<void>;
}

/** Makes the engine under test. */
export type MakeShared = (options: SharedOptions) => Promise<SharedUnderTest>;

/** After so much time what has not come will not come. */
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

/** What a test of a shared store has at hand. */
export interface World {
  readonly a: ClientUnderTest;
  readonly b: ClientUnderTest;
  readonly clients: readonly ClientUnderTest[];
  readonly graceMs: number;
  pass(ms: number): Promise<void>;
  /** Time goes on until this throws no more. */
  until(check: () => void | Promise<void>): Promise<void>;
}

/** A test of a shared store, for `it`. */
export function shared(
  make: MakeShared,
  test: (world: World) => Promise<void>,
  options: SharedOptions = {},
): () => Promise<void> {
  return async () => {
    const underTest = await make(options);
    try {
      await underTest.run(() => test(worldOf(underTest)));
    } finally {
      await underTest.dispose();
    }
  };
}

function worldOf({ clients, timers, graceMs }: SharedUnderTest): World {
  const [a, b] = clients;
  const pass = (ms: number): Promise<void> => pause(timers, ms);
  const until: World["until"] = async (check) => {
    for (let passed = 0; ; passed += POLL_MS) {
      try {
        return await check();
      } catch (thrown) {
        if (passed >= PATIENCE_MS) throw thrown;
      }
      await pass(POLL_MS);
    }
  };
  return { a, b, clients, graceMs, pass, until };
}

/** Everything a holder hears of, in the order in which it does: entries it is given, and what it reads where it is told to. */
export async function heardBy({ lease, events, mores }: Held, position: number): Promise<readonly number[]> {
  const given = events.map(({ version }) => version);
  expect(given).toEqual([...new Set(given)].toSorted((x, y) => x - y));
  expect(mores).toEqual([...new Set(mores)].toSorted((x, y) => x - y));
  expect(Math.max(0, given.at(-1) ?? 0, mores.at(-1) ?? 0)).toBeGreaterThanOrEqual(position);
  if (mores.length === 0) return given;
  const read = await lease.read(0, 10_000);
  const through = mores.at(-1) ?? 0;
  const found = read.map(({ version }) => version).filter((version) => version <= through);
  return [...new Set([...given, ...found])].toSorted((x, y) => x - y);
}

/** What a client says of itself from now on, until the test ends it. */
export function follow(store: Store): { readonly told: readonly StoreStatus[]; end(): Promise<void> } {
  const told: StoreStatus[] = [];
  const asked = new AbortController();
  const following = (async () => {
    for await (const status of store.status({ signal: asked.signal })) told.push(status);
  })();
  return {
    told,
    end: () => {
      asked.abort();
      return following;
    },
  };
}

/** What a lost call answers. */
export const UNREACHED = { code: "store_unavailable" };
export const SUPERSEDED = { code: "superseded" };
