import { systemRuntime } from "@hawser/runtime";
import { expect, it } from "vitest";
import { DEFAULT_MAILBOX_LIMITS } from "../contract/limits.js";
import { createMemoryDisk } from "../disk/memory-disk.js";
import type { Tenure } from "../commit/peer-table.js";
import { StoreParts } from "../store-parts.js";

async function parts(maxPeers: number) {
  const made = new StoreParts({
    disk: createMemoryDisk().attach(),
    runtime: systemRuntime(),
    limits: { ...DEFAULT_MAILBOX_LIMITS, maxPeers },
    lazyFlushMs: 1,
    recoveryDelayMs: 1,
  });
  await made.disk.open();
  made.committer.start();
  return made;
}

/** There is a mailbox for it, whatever the bound. */
async function met({ committer, peers }: StoreParts, peer: string): Promise<Tenure> {
  await committer.commit({
    sync: false,
    apply: (tx) => {
      tx.mailboxOrNew(peer, Number.POSITIVE_INFINITY)?.set({ peerStore: "s" });
      return () => {};
    },
  });
  const tenure = { client: { name: "local" }, isKnown: true, seenAt: 0 };
  peers.tenures.set(peer, tenure);
  return tenure;
}

it("remembers nothing of peers that only come, say what they said before, and go", async () => {
  const made = await parts(1_000);
  const { inboxes, committer, disk, context } = made;
  const { sweeper } = context;
  const tenures: Tenure[] = [];
  for (let peer = 0; peer < 100; peer += 1) {
    const tenure = await met(made, `p${peer}`);
    tenures.push(tenure);
    inboxes.learned(`p${peer}`, tenure, "settled", 0);
    inboxes.learned(`p${peer}`, tenure, "settled", 7);
    inboxes.learned(`p${peer}`, tenure, "joined", 3);
    await committer.flush();
    expect(await inboxes.load(`p${peer}`, await disk.current())).toMatchObject({ settled: 7 });
  }
  await committer.flush();
  expect([sweeper.size, sweeper.empty]).toEqual([0, true]);
  for (const [peer, tenure] of tenures.entries()) {
    inboxes.learned(`p${peer}`, tenure, "settled", 7);
    inboxes.learned(`p${peer}`, tenure, "joined", 3);
  }
  expect([sweeper.size, sweeper.empty]).toEqual([0, true]);
});

it("remembers no more peers than have an inbox", async () => {
  const made = await parts(5);
  const { inboxes, committer, peers, context } = made;
  for (let peer = 0; peer < 100; peer += 1) {
    const tenure = await met(made, `p${peer}`);
    inboxes.learned(`p${peer}`, tenure, "settled", 7);
    const rows = [{ resourceid: "a_1", version: 8, attempt: 1, peerStore: "s" }];
    await inboxes.begin(`p${peer}`, tenure, rows).catch(() => {});
  }
  await committer.flush();
  expect([peers.inboxes.size, context.sweeper.size]).toEqual([5, 5]);
});

it("writes nothing for a peer of which nothing is kept", async () => {
  const { committer, peers, context } = await parts(5);
  const { sweeper } = context;
  sweeper.learned("gone", "settled", 7);
  sweeper.learned("gone", "joined", 3);
  await committer.flush();
  expect([peers.inboxes.get("gone"), sweeper.size, sweeper.empty]).toEqual([undefined, 0, true]);
});
