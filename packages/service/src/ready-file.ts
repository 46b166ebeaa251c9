import { renameSync, writeFileSync } from "node:fs";

/** Tells whoever started the service that it serves: one JSON line, which appears as a whole or not at all. */
export function writeReadyFile(path: string, facts: object): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify({ pid: process.pid, ...facts })}\n`);
  renameSync(unfinished, path);
}
