import { chmodSync, renameSync, writeFileSync } from "node:fs";

/** A supervisor of another user may read it; it holds no secret. */
const READY_FILE_MODE = 0o644;

/** Announces that the service is ready: one JSON line, written atomically. */
export function writeReadyFile(path: string, facts: object): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify({ pid: process.pid, ...facts })}\n`);
  // The umask is that of the state.
  chmodSync(unfinished, READY_FILE_MODE);
  renameSync(unfinished, path);
}
