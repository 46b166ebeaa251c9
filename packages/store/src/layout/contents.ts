import { HawserError } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { changedRows, type OpenDisk } from "../disk/disk.js";
import { CONTROL_KEYS } from "./keys.js";

/** Changes when rows are written in a way an older version of this package would misread. */
const FORMAT = "2";

export interface Contents {
  readonly id: string;
  /** Number of the last commit. */
  readonly commit: number;
}

/**
 * Reads what a disk says about itself; an empty one is made a store first.
 *
 * @throws HawserError `store_corrupt` when it is something else
 */
export async function readContents(disk: OpenDisk, random: Random): Promise<Contents> {
  const [format, id, commit] = await disk.get([CONTROL_KEYS.format, CONTROL_KEYS.id, CONTROL_KEYS.commit]);
  if (format === undefined && id === undefined && commit === undefined) return begin(disk, random);
  if (format !== FORMAT) {
    const found = format === undefined ? "none" : JSON.stringify(format);
    throw corrupt(`its format is ${found} and this version reads ${JSON.stringify(FORMAT)}`);
  }
  const number = Number(commit ?? 0);
  if (id === undefined || id === "" || !Number.isSafeInteger(number)) throw corrupt("its name is missing");
  return { id, commit: number };
}

async function begin(disk: OpenDisk, random: Random): Promise<Contents> {
  const [row] = await disk.range({ from: "", before: "\uffff", limit: 1 });
  if (row !== undefined) throw corrupt("it holds something that is not a store of Hawser");
  const id = random.uuid();
  const changes = new Map([
    [CONTROL_KEYS.format, FORMAT],
    [CONTROL_KEYS.id, id],
    [CONTROL_KEYS.commit, "0"],
  ]);
  await disk.write(changedRows(changes), true);
  return { id, commit: 0 };
}

function corrupt(what: string): HawserError {
  return new HawserError(
    "store_corrupt",
    `the store cannot be used: ${what}; move it away and start with an empty one, then apply the manifests again (or adopt a backup: hawser adopt)`,
  );
}
