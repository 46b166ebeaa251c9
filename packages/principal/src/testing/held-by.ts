import type { MailboxLease, Store } from "@hawser/store";

/** Claims the mailbox of an agent as if that had come. */
export function heldBy(store: Store, agent: string): Promise<MailboxLease> {
  const holder = { session: "test", transport: "", address: "", internal: false, software: "" };
  const on = { event() {}, more() {}, purged: () => 0, lost() {} };
  return store.open(agent, holder, () => ({ peerStore: "s" }), on);
}
