import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { HawserError } from "@hawser/protocol";
import { makeDirectoriesSync } from "@hawser/runtime";
import { z } from "zod";
import { listeningUsers } from "./listening-users.js";
import { isAlive, processStart } from "./process-start.js";

/** An API of this machine, for programs of the same user. */
export interface LocalApi {
  /** The bound address, not a name. */
  readonly host: string;
  readonly port: number;
  /** The process that serves it. */
  readonly pid: number;
  /** Absolute path of the token's file. The note never contains the token. */
  readonly tokenFile: string;
}

/** Result of a search. */
export type LocalApiSearch =
  | { readonly kind: "found"; readonly api: LocalApi }
  /** No live process of this user announced an API there. */
  | { readonly kind: "none" }
  /** A process of another user listens there too, or instead. */
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
 * Writes a note, by address, with the path of an API's token for other programs of this user, to
 * `$XDG_STATE_HOME/hawser/local` (`~/.local/state/hawser/local`; XDG Base Directory Specification),
 * 0600 in a directory of mode 0700. It also removes notes of dead processes.
 * @returns removes the note, unless another process replaced it
 * @throws HawserError `address_unavailable` without a writable home; the API works without the
 *   note
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
 * The API of a live process of this user at a loopback address. Notes of others or of dead
 * processes are ignored. Where the system lists listening users (Linux), they must be this user or
 * root, because the API gets a token.
 * @param host a name such as `localhost`, or an address without brackets
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

/** Addresses that may serve `host`. */
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
