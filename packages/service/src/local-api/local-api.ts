import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { HawserError } from "@hawser/protocol";
import { makeDirectoriesSync } from "@hawser/runtime";
import { z } from "zod";
import { listeningUsers } from "./listening-users.js";
import { isAlive, processStart } from "./process-start.js";

/** What a program of the same user has to know of an API that is served on this machine. */
export interface LocalApi {
  /** The address that it has bound, and no name. */
  readonly host: string;
  readonly port: number;
  /** The process that serves it. */
  readonly pid: number;
  /** Absolute path of the file with its token. The note never holds the token itself. */
  readonly tokenFile: string;
}

/** What is known of an address of this machine. */
export type LocalApiSearch =
  | { readonly kind: "found"; readonly api: LocalApi }
  /** No living process of this user said that it serves an API there. */
  | { readonly kind: "none" }
  /** One did, but a process of another user listens there as well, or instead. */
  | { readonly kind: "foreign"; readonly uid: number };

const noteSchema = z.object({
  host: z.string(),
  port: z.number().int().positive(),
  pid: z.number().int().positive(),
  start: z.string().optional(),
  tokenFile: z.string().refine((path) => isAbsolute(path)),
});

type Note = z.output<typeof noteSchema>;

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Leaves a note, by address, that tells other programs of this user where the token of an API is: in `$XDG_STATE_HOME/hawser/local` (`~/.local/state/hawser/local`; XDG Base
 * Directory Specification), 0600 in a directory of mode 0700. Notes of processes that have died are taken away on this occasion, so there are no more of them than services.
 *
 * @returns what takes the note back, unless another process has written its own meanwhile
 * @throws HawserError `address_unavailable` where there is no home that can be written to; nothing but the finding depends on the note
 */
export function announceLocalApi(api: LocalApi, env: Environment): () => void {
  const directory = directoryOf(env);
  const path = pathOf(directory, api);
  const note: Note = { ...api, start: processStart(api.pid) };
  try {
    makeDirectoriesSync(directory, 0o700);
    removeLeftNotes(directory);
    const unfinished = `${path}.${api.pid}`;
    writeFileSync(unfinished, `${JSON.stringify(note)}\n`, { mode: 0o600 });
    renameSync(unfinished, path);
  } catch (cause) {
    throw new HawserError("address_unavailable", `the note ${path} cannot be written`, { cause });
  }
  return () => {
    if (readNote(path)?.pid === api.pid) rmSync(path, { force: true });
  };
}

/**
 * The API that a living process of this user serves at an address of loopback. What others wrote, or a dead process left, counts for nothing. A note alone is not enough: where the system
 * tells whose sockets listen there (Linux), it has to be this user's, or root's, because what is found is sent a token.
 *
 * @param host a name such as `localhost`, or an address without brackets
 * @param usersAt @default what the system tells
 */
export function findLocalApi(
  { host, port }: Pick<LocalApi, "host" | "port">,
  env: Environment,
  usersAt: typeof listeningUsers = listeningUsers,
): LocalApiSearch {
  const hosts = boundHostsOf(host);
  const api = hosts.map((bound) => livingNote({ host: bound, port }, env)).find((note) => note !== undefined);
  if (api === undefined) return { kind: "none" };
  const users = usersAt(hosts, port);
  const uid = users?.find((each) => each !== 0 && each !== process.getuid?.());
  if (uid !== undefined) return { kind: "foreign", uid };
  return users?.length === 0 ? { kind: "none" } : { kind: "found", api };
}

/** What may have been bound by whoever answers there. */
function boundHostsOf(host: string): readonly string[] {
  if (isIPv4(host)) return [host, "0.0.0.0", "::"];
  return host.includes(":") ? [host, "::"] : ["127.0.0.1", "::1", "0.0.0.0", "::"];
}

function directoryOf(env: Environment): string {
  return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "hawser", "local");
}

function pathOf(directory: string, { host, port }: Pick<LocalApi, "host" | "port">): string {
  return join(directory, `${encodeURIComponent(host)}_${port}`);
}

function livingNote(address: Pick<LocalApi, "host" | "port">, env: Environment): LocalApi | undefined {
  const note = readNote(pathOf(directoryOf(env), address));
  if (note === undefined || note.host !== address.host || note.port !== address.port) return undefined;
  const { host, port, pid, start, tokenFile } = note;
  return isAlive(pid, start) ? { host, port, pid, tokenFile } : undefined;
}

function readNote(path: string): Note | undefined {
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
    if (note !== undefined && !isAlive(note.pid, note.start)) rmSync(path, { force: true });
  }
}
