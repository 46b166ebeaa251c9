import { systemRuntime } from "@hawser/runtime";
import { expect, it } from "vitest";
import type { Committer } from "./committer.js";
import { newMailboxMeta } from "./counters.js";
import { DEFAULT_MAILBOX_LIMITS } from "./mailbox.js";
import { createMemoryDisk } from "./memory-disk.js";
import { StoreParts } from "./store-parts.js";

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
function met(committer: Committer, peer: string): Promise<void> {
  return new Promise((resolve, reject) =>
    committer.enqueue({
      sync: false,
      apply: (tx) => {
        tx.setMailbox(peer, { ...newMailboxMeta(), peerStore: "s" });
        tx.afterCommit(resolve);
      },
      failed: reject,
    }),
  );
}

it("remembers nothing of peers that only come, say what they said before, and go", async () => {
  const { inbox, settled, committer } = await parts(1_000);
  for (let peer = 0; peer < 100; peer += 1) {
    await met(committer, `p${peer}`);
    inbox.settle(`p${peer}`, 0);
    inbox.settle(`p${peer}`, 7);
    inbox.joined(`p${peer}`, 3);
    expect(await inbox.load(`p${peer}`)).toMatchObject({ settled: 7 });
  }
  await committer.settled();
  expect([settled.size, settled.empty]).toEqual([0, true]);
  for (let peer = 0; peer < 100; peer += 1) {
    inbox.settle(`p${peer}`, 7);
    inbox.joined(`p${peer}`, 3);
  }
  expect([settled.size, settled.empty]).toEqual([0, true]);
});

it("remembers no more peers than have an inbox", async () => {
  const { inbox, settled, committer, peers } = await parts(5);
  for (let peer = 0; peer < 100; peer += 1) {
    await met(committer, `p${peer}`);
    inbox.settle(`p${peer}`, 7);
    const rows = [{ resourceid: "a_1", version: 8, attempt: 1, peerStore: "s" }];
    await inbox.begin(`p${peer}`, rows).catch(() => {});
  }
  await committer.settled();
  expect([peers.inboxCount, settled.size]).toEqual([5, 5]);
});

it("writes nothing for a peer of which nothing is kept", async () => {
  const { inbox, settled, committer, peers } = await parts(5);
  inbox.settle("gone", 7);
  inbox.joined("gone", 3);
  await committer.settled();
  expect([peers.inbox("gone"), settled.size, settled.empty]).toEqual([undefined, 0, true]);
});
