import { systemRuntime } from "@hawser/runtime";
import { expect, it } from "vitest";
import { newMailboxMeta } from "../layout/counters.js";
import { DEFAULT_MAILBOX_LIMITS } from "../contract/mailbox.js";
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
  await made.device.open();
  made.committer.start();
  return made;
}

/** There is a mailbox for it, whatever the bound. */
async function met({ committer, peers }: StoreParts, peer: string): Promise<Tenure> {
  await new Promise<void>((resolve, reject) =>
    committer.enqueue({
      sync: false,
      apply: (tx) => {
        tx.setMailbox(peer, { ...newMailboxMeta(), peerStore: "s" });
        tx.afterCommit(resolve);
      },
      failed: reject,
    }),
  );
  const tenure = { seenAt: 0 };
  peers.setTenure(peer, tenure);
  return tenure;
}

it("remembers nothing of peers that only come, say what they said before, and go", async () => {
  const made = await parts(1_000);
  const { inboxes, settled, committer, device } = made;
  const tenures: Tenure[] = [];
  for (let peer = 0; peer < 100; peer += 1) {
    const tenure = await met(made, `p${peer}`);
    tenures.push(tenure);
    inboxes.settle(`p${peer}`, tenure, 0);
    inboxes.settle(`p${peer}`, tenure, 7);
    inboxes.joined(`p${peer}`, tenure, 3);
    await committer.settled();
    expect(await inboxes.load(`p${peer}`, await device.current())).toMatchObject({ settled: 7 });
  }
  await committer.settled();
  expect([settled.size, settled.empty]).toEqual([0, true]);
  for (const [peer, tenure] of tenures.entries()) {
    inboxes.settle(`p${peer}`, tenure, 7);
    inboxes.joined(`p${peer}`, tenure, 3);
  }
  expect([settled.size, settled.empty]).toEqual([0, true]);
});

it("remembers no more peers than have an inbox", async () => {
  const made = await parts(5);
  const { inboxes, settled, committer, peers } = made;
  for (let peer = 0; peer < 100; peer += 1) {
    const tenure = await met(made, `p${peer}`);
    inboxes.settle(`p${peer}`, tenure, 7);
    const rows = [{ resourceid: "a_1", version: 8, attempt: 1, peerStore: "s" }];
    await inboxes.begin(`p${peer}`, tenure, rows).catch(() => {});
  }
  await committer.settled();
  expect([peers.inboxCount, settled.size]).toEqual([5, 5]);
});

it("writes nothing for a peer of which nothing is kept", async () => {
  const { settled, committer, peers } = await parts(5);
  settled.settle("gone", 7);
  settled.joined("gone", 3);
  await committer.settled();
  expect([peers.inbox("gone"), settled.size, settled.empty]).toEqual([undefined, 0, true]);
});
