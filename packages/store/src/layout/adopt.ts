import { HawserError } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { readContents } from "./contents.js";
import { decodeMailboxMeta, encodeMailboxMeta, FORGOTTEN_STORE } from "./counters.js";
import { changedRows, type Disk, type OpenDisk } from "../disk/disk.js";
import { CONTROL_KEYS, metaRange, peerOfMetaKey } from "./keys.js";

const PAGE = 1_000;

/**
 * Makes a rolled-back store, such as a backup that was put back, fit to be started.
 *
 * It would assign versions again that peers know, and they would take new events for old ones. So
 * it gets a new name: to peers it is a store that was lost (PROTOCOL.md, Versions). They forget
 * what they knew of the original, and get all retained state again. Events that were pending in the
 * backup are sent again, also where they were delivered since.
 *
 * The store must not be in use. May be repeated, also after an interruption.
 *
 * @throws HawserError `invalid_config` when there is no store; `store_corrupt`, `store_full` or
 *   `store_unavailable`
 */
export async function adoptRolledBackStore(disk: Disk, random: Random): Promise<{ readonly id: string }> {
  const open = await disk.open();
  try {
    const [former] = await open.get([CONTROL_KEYS.id]);
    if (former === undefined)
      throw new HawserError("invalid_config", "there is no store to adopt; name the directory that holds it");
    await readContents(open, random);
    await forgetPeers(open);
    const id = random.uuid();
    await open.write(changedRows(new Map([[CONTROL_KEYS.id, id]])), true);
    return { id };
  } catch (thrown) {
    if (thrown instanceof HawserError) throw thrown;
    const { code, message } = disk.explain(thrown);
    throw new HawserError(code, message, { cause: thrown });
  } finally {
    await open.close();
  }
}

async function forgetPeers(disk: OpenDisk): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const rows = await disk.range(metaRange("mailbox", PAGE, after));
    const changes: [string, string][] = [];
    for (const [key, value] of rows) {
      after = peerOfMetaKey(key);
      const meta = decodeMailboxMeta(value, key);
      if (meta.peerStore !== "")
        changes.push([key, encodeMailboxMeta({ ...meta, peerStore: FORGOTTEN_STORE })]);
    }
    if (changes.length > 0) await disk.write(changedRows(new Map(changes)), true);
    if (rows.length < PAGE) return;
  }
}
