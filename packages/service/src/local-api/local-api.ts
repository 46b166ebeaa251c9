import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { HawserError } from "@hawser/protocol";
import { z } from "zod";

/** What a program of the same user has to know of an API that is served on this machine. */
export interface LocalApi {
  /** The process that serves it. */
  readonly pid: number;
  /** Absolute path of the file with its token. The note never holds the token itself. */
  readonly tokenFile: string;
}

const noteSchema = z.object({
  pid: z.number().int().positive(),
  tokenFile: z.string().refine((path) => isAbsolute(path)),
});

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Leaves a note, by port, that tells other programs of this user where the token of an API is: in `$XDG_STATE_HOME/hawser/local` (`~/.local/state/hawser/local`; XDG Base
 * Directory Specification), 0600 in a directory of mode 0700. Notes of processes that have died are taken away on this occasion, so there are no more of them than services.
 *
 * @returns what takes the note back, unless another process has written its own meanwhile
 * @throws HawserError `address_unavailable` where there is no home that can be written to; nothing but the finding depends on the note
 */
export function announceLocalApi(port: number, api: LocalApi, env: Environment): () => void {
  const directory = directoryOf(env);
  const path = join(directory, String(port));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    removeLeftNotes(directory);
    const unfinished = `${path}.${api.pid}`;
    writeFileSync(unfinished, `${JSON.stringify(api)}\n`, { mode: 0o600 });
    renameSync(unfinished, path);
  } catch (cause) {
    throw new HawserError("address_unavailable", `the note ${path} cannot be written`, { cause });
  }
  return () => {
    if (readNote(path)?.pid === api.pid) rmSync(path, { force: true });
  };
}

/** The API that a living process of this user serves on a port of this machine. What others wrote, or a dead process left, counts for nothing. */
export function findLocalApi(port: number, env: Environment): LocalApi | undefined {
  const note = readNote(join(directoryOf(env), String(port)));
  return note !== undefined && isAlive(note.pid) ? note : undefined;
}

function directoryOf(env: Environment): string {
  return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "hawser", "local");
}

function readNote(path: string): LocalApi | undefined {
  try {
    if (statSync(path).uid !== process.getuid?.()) return undefined;
    return noteSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

function removeLeftNotes(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const note = readNote(path);
    if (note !== undefined && !isAlive(note.pid)) rmSync(path, { force: true });
  }
}

/** A process of somebody else lives as well, but its note would not have been believed. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
