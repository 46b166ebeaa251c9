import { HawserError } from "@hawser/protocol";
import type { Standing } from "@hawser/store";
import { describe, expect, it } from "vitest";
import { assertNotRolledBack, knownStore, type RollbackQuestion } from "./rollback-check.js";

const own = { epoch: 5, version: 7, recorded: 41 };
const standing: Standing = { peer: { store: "theirs", epoch: 4, version: 3, recorded: 2 }, own };
const claim = { store: "mine", epoch: 5, eventid: "7", recorded: 41 };
const forgotten = { epoch: 0, version: 0, recorded: 0 };
const found = { store: "mine", standing, forgotten };
const asked = { side: "principal", found, peerStore: "theirs", claim } as const;

/** The error that the check throws, if any. */
function rollback(question: RollbackQuestion): HawserError | undefined {
  try {
    assertNotRolledBack(question);
    return undefined;
  } catch (thrown) {
    return HawserError.from(thrown);
  }
}

describe("the rollback check", () => {
  it("finds nothing wrong with what is known exactly", () => {
    expect(rollback(asked)).toBeUndefined();
    expect(rollback({ ...asked, side: "agent" })).toBeUndefined();
    expect(rollback({ ...asked, claim: { ...claim, epoch: 0, eventid: "0", recorded: 0 } })).toBeUndefined();
    expect(rollback({ ...asked, claim: undefined })).toBeUndefined();
  });

  it.each([
    [
      { eventid: "8" },
      "the principal's store may have been rolled back: it gave out version 8, and knows of 7",
    ],
    [
      { recorded: 42 },
      "the principal's store may have been rolled back: it recorded 42 events, and knows of 41",
    ],
    [{ epoch: 6 }, "the principal's store may have been rolled back: it began session 6, and knows of 5"],
  ])("is proven by one more than is known: %j", (more, said) => {
    const error = rollback({ ...asked, claim: { ...claim, ...more } });
    expect(error?.code).toBe("store_rolled_back");
    expect(error?.message).toBe(`${said}; if so, run hawser adopt`);
    expect(rollback({ ...asked, side: "agent", claim: { ...claim, ...more } })?.message).toContain(
      "the agent's store may have been rolled back",
    );
  });

  it("is of this store by name: what another one gave out says nothing", () => {
    const other = { ...claim, store: "before", epoch: 99, eventid: "99", recorded: 99 };
    expect(rollback({ ...asked, claim: other })).toBeUndefined();
  });

  it("knows of nothing where it has never met the peer", () => {
    const never = { ...asked, found: { ...found, standing: undefined } };
    expect(rollback({ ...never, claim: { ...claim, epoch: 0, eventid: "0", recorded: 0 } })).toBeUndefined();
    expect(
      rollback({ ...never, claim: { ...claim, epoch: 1, eventid: "0", recorded: 0 } })?.message,
    ).toContain("began session 1, and knows of 0");
  });

  it("does not compare sessions where its own are not known: the store is of before they were", () => {
    const former = { ...standing, own: { ...own, epoch: 0 } };
    expect(rollback({ ...asked, found: { ...found, standing: former } })).toBeUndefined();
  });

  it("does not compare sessions of one principal with those of another", () => {
    const moved = { ...asked, peerStore: "another", claim: { ...claim, epoch: 6 } };
    expect(rollback({ ...moved, side: "agent" })).toBeUndefined();
    // A principal counts by the name of the agent, whatever store that has.
    expect(rollback(moved)?.code).toBe("store_rolled_back");
  });

  it("says so much that a close reason has room for it", () => {
    const message = rollback({ ...asked, claim: { ...claim, eventid: "1234567" } })?.message ?? "";
    expect(message.length).toBeLessThanOrEqual(120);
  });
});

it("knownStore is what the store knows of the peer's", () => {
  expect(knownStore(undefined)).toBeUndefined();
  expect(knownStore(standing)).toEqual({ store: "theirs", epoch: 4, eventid: "3", recorded: 2 });
});
