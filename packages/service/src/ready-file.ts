import { chmodSync, renameSync, writeFileSync } from "node:fs";

/** Read by whoever supervises the service, who may be another user; it holds no secret. */
const READY_FILE_MODE = 0o644;

/** Tells whoever started the service that it serves: one JSON line, which appears as a whole or not at all. */
export function writeReadyFile(path: string, facts: object): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify({ pid: process.pid, ...facts })}\n`);
  // The service's own umask is for its state.
  chmodSync(unfinished, READY_FILE_MODE);
  renameSync(unfinished, path);
}
