import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { HawserError, thrownText } from "@hawser/protocol";
import { makeDirectoriesSync } from "@hawser/runtime";

/** As many as a SHA-256 tells apart. */
const TOKEN_BYTES = 32;

/**
 * Makes a token in a file of its own, which appears as a whole or not at all, unless the file is there already.
 *
 * @returns whether it was made now
 * @throws HawserError `invalid_config` when it cannot be written
 */
export function makeApiToken(file: string): boolean {
  const unfinished = `${file}.${process.pid}`;
  try {
    makeDirectoriesSync(dirname(file), 0o700);
    writeDurably(unfinished, `${randomBytes(TOKEN_BYTES).toString("base64url")}\n`);
    linkSync(unfinished, file);
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    const reason = thrownText(cause);
    throw new HawserError("invalid_config", `no token for the API can be made at ${file}: ${reason}`, {
      cause,
    });
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function writeDurably(path: string, content: string): void {
  const file = openSync(path, "w", 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
