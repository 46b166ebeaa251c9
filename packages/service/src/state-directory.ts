import { statfsSync, statSync } from "node:fs";
import { HawserError, thrownText } from "@hawser/protocol";
import { makeDirectoriesSync } from "@hawser/runtime";

/** Mode bits for anybody but the owner. */
const OTHERS = 0o077;

/** Network file systems (statfs(2)): their locks and syncs differ from a local disk's. */
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

/** A warning about a state directory. */
export interface StateDirectoryProblem {
  readonly kind: "open to others" | "network file system";
  /** The fact, with the path. */
  readonly detail: string;
  /** What to do. */
  readonly fix: string;
}

/** Makes the directory (0700) unless it exists. @throws HawserError `store_unavailable` */
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
 * Problems of an existing state directory: open to others, or on a network file system. A private
 * directory hides its content, which is not checked.
 */
export function stateDirectoryProblems(directory: string): readonly StateDirectoryProblem[] {
  try {
    const { mode } = statSync(directory);
    return [...openToOthers(directory, mode), ...networkProblems(directory, statfsSync(directory).type)];
  } catch {
    // It is missing or unreachable; the store reports that.
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

/** The problem of a file system type of `statfs`. */
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
