import { statfsSync, statSync } from "node:fs";
import { HawserError, thrownText } from "@hawser/protocol";
import { makeDirectoriesSync } from "@hawser/runtime";

/** Bits of a mode that let anybody but the owner in. */
const OTHERS = 0o077;

/**
 * File systems whose other end is another machine, by the number `statfs` tells (statfs(2)). Their locks, their order of writes and what they promise of a sync differ from a
 * local disk's.
 */
const NETWORK_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xfe534d42: "SMB",
  0xff534d42: "CIFS",
  0x5346414f: "AFS",
  0x01021997: "9P",
  0x00c36400: "CephFS",
  0x65735546: "FUSE",
  0x0bd00bd0: "Lustre",
  0x01161970: "GFS2",
  0x7461636f: "OCFS2",
  0x47504653: "GPFS",
  0x786f4256: "VirtualBox's shared folders",
};

/** Something about a directory of state that its operator should know. */
export interface StateDirectoryProblem {
  readonly kind: "open to others" | "network file system";
  /** What is so, with the path. */
  readonly detail: string;
  /** What to do. */
  readonly fix: string;
}

/**
 * Makes the directory of a service's state, for its own user alone (0700), unless it is there.
 *
 * @throws HawserError `store_unavailable` with the reason and what to do
 */
export function makeStateDirectory(directory: string): void {
  try {
    makeDirectoriesSync(directory, 0o700);
  } catch (cause) {
    const reason = thrownText(cause);
    throw new HawserError(
      "store_unavailable",
      `the data directory ${directory} cannot be made: ${reason}; choose another directory, or let this user write to the one above it`,
      { cause },
    );
  }
}

/**
 * What is wrong with a directory of state that is there: others may look into it, or it is on a file system of another machine.
 *
 * A directory that only its owner may enter hides everything below it, so nothing below is looked at. None where there is no such directory.
 */
export function stateDirectoryProblems(directory: string): readonly StateDirectoryProblem[] {
  try {
    const { mode } = statSync(directory);
    return [...openToOthers(directory, mode), ...networkProblems(directory, statfsSync(directory).type)];
  } catch {
    // It is not there, or its parent lets nobody in: nothing can be said, and the store says what is wrong with that.
    return [];
  }
}

function openToOthers(directory: string, mode: number): readonly StateDirectoryProblem[] {
  if (process.platform === "win32" || (mode & OTHERS) === 0) return [];
  const shown = (mode & 0o777).toString(8).padStart(4, "0");
  return [
    {
      kind: "open to others",
      detail: `${directory} has mode ${shown}: others may read the state in it, secrets of resources included`,
      fix: `chmod -R go-rwx ${directory}`,
    },
  ];
}

/** What is wrong with a directory on a file system of this type, as `statfs` tells it. */
export function networkProblems(directory: string, type: number): readonly StateDirectoryProblem[] {
  const name = NETWORK_FILE_SYSTEMS[type];
  if (process.platform !== "linux" || name === undefined) return [];
  return [
    {
      kind: "network file system",
      detail: `${directory} is on ${name}: its locks do not keep a second process out, and what it says it synced may not be on a disk`,
      fix: "choose a directory on a local disk of this machine, for this process alone",
    },
  ];
}
