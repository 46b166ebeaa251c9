import type { OpenDisk } from "../disk/disk.js";
import type { InboxState } from "../contract/inbox.js";
import { parseInboxKey, peerRange } from "../layout/keys.js";
import { decodeApplied, decodeBegun } from "../layout/rows.js";

const PAGE = 1_000;

/** Everything that matters of a peer's inbox; rows that say nothing any more are passed over, and `rows` counts them all. */
export async function readInbox(
  disk: OpenDisk,
  peer: string,
  settled: number,
): Promise<{ readonly state: InboxState; readonly rows: number }> {
  const applied = new Map<string, number>();
  const begun = new Map<string, { readonly version: number; readonly attempts: number }>();
  let rows = 0;
  let after: string | undefined;
  for (;;) {
    const page = await disk.range(peerRange("inbox", peer, PAGE, after));
    for (const [key, value] of page) {
      after = key;
      rows++;
      const { resourceid, applied: isApplied } = parseInboxKey(key);
      // The applied row of a resource sorts before its begun row.
      if (isApplied) {
        const version = decodeApplied(value, key);
        if (version > settled) applied.set(resourceid, version);
      } else {
        const row = decodeBegun(value, key);
        const finished = row.version <= Math.max(settled, applied.get(resourceid) ?? 0);
        if (!finished) begun.set(resourceid, row);
      }
    }
    if (page.length < PAGE) return { state: { settled, applied, begun }, rows };
  }
}
