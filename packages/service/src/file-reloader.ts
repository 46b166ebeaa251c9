import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { HawserError } from "@hawser/protocol";
import { WakeTimer, type Logger, type Runtime } from "@hawser/runtime";

/** Files that belong together, such as a certificate and its key, and what is made of them. */
export interface ReloadableFiles {
  /** For the log: `agent tokens`, for instance. */
  readonly role: string;
  readonly files: readonly string[];
  /** `digestOfFiles` from before they were read for what is in use now: what changed in between is a change. */
  readonly inUse: string;
  /**
   * Reads them and uses what they hold from here on; answers what else came of it, in a few words for the log. Throws for what cannot be used; then what is in use has to stay.
   */
  readonly apply: () => string | void | Promise<string | void>;
}

/** Why the files are looked at. */
export type ReloadCause = "signal" | "change";

/** How often files are looked at where the system says nothing: secrets of an orchestrator are swapped by links, which not every watch sees. */
const DEFAULT_INTERVAL_MS = 5_000;
/** From the first sign of a change: whoever writes a certificate writes its key as well. */
const SETTLE_MS = 200;

/** What a reloader looks after, and how often. */
export interface FileReloaderOptions {
  readonly runtime: Pick<Runtime, "clock" | "logger" | "timers">;
  readonly groups: readonly ReloadableFiles[];
  /** @default 5 s */
  readonly intervalMs?: number;
  /** Says that something changed in a directory. @default `watch` of `node:fs` */
  readonly watch?: DirectoryWatch;
}

/** As `watch` of `node:fs`. It may throw, and may say too much; what it does not say is found at the next interval. */
export type DirectoryWatch = (
  directory: string,
  options: { readonly persistent: false },
  changed: () => void,
) => Pick<FSWatcher, "close" | "on">;

/**
 * Keeps what was made of files up to date with them: looks at their content every few seconds, at once when the system says that something changed in their directories,
 * and when it is asked to. Files that cannot be used leave what is in use as it is, with one error line. What changed between the first reading and `start` is found at `start`.
 */
export class FileReloader {
  readonly #clock: Runtime["clock"];
  readonly #logger: Logger;
  readonly #groups: readonly Group[];
  readonly #intervalMs: number;
  readonly #wake: WakeTimer;
  readonly #watchDirectory: DirectoryWatch;
  #watchers: ReturnType<DirectoryWatch>[] = [];
  #running = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: FileReloaderOptions) {
    const { runtime, groups, intervalMs = DEFAULT_INTERVAL_MS } = options;
    this.#watchDirectory = options.watch ?? watch;
    this.#clock = runtime.clock;
    this.#logger = runtime.logger;
    this.#intervalMs = intervalMs;
    this.#wake = new WakeTimer(runtime, () => {
      void this.reload("change").then(() => this.#lookWithin(this.#intervalMs));
    });
    this.#groups = groups.map((files) => new Group(files));
  }

  /** Begins to watch the files, and looks at them. */
  async start(): Promise<void> {
    if (this.#groups.length === 0) return;
    this.#running = true;
    this.#watch();
    await this.reload("change");
    this.#lookWithin(this.#intervalMs);
  }

  stop(): void {
    this.#running = false;
    this.#wake.cancel();
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  /** Looks at all files; one look at a time. By a signal, one line says of each group what became of it; by a change, there is one for each that changed. */
  reload(cause: ReloadCause): Promise<void> {
    this.#work = this.#work.then(async () => {
      const said: string[] = [];
      for (const group of this.#groups) {
        const look = await group.look();
        this.#tell(group, look, cause);
        said.push(`${group.role} ${outcomeOf(look)}`);
      }
      if (cause === "signal")
        this.#logger.info(
          {},
          `read again: ${said.length === 0 ? "there are no such files" : said.join("; ")}`,
        );
    });
    return this.#work;
  }

  // Never postpones a look: in a directory in which something changes all the time, such as that of the store, there would be none.
  #lookWithin(delayMs: number): void {
    if (this.#running) this.#wake.arm(this.#clock.now() + delayMs);
  }

  #watch(): void {
    const directories = new Set(this.#groups.flatMap(({ files }) => files.map((path) => dirname(path))));
    for (const directory of directories) {
      const cannot = (err: unknown): void =>
        this.#logger.debug(
          { err, directory },
          "cannot watch this directory; its files are read at intervals",
        );
      try {
        const watcher = this.#watchDirectory(directory, { persistent: false }, () =>
          this.#lookWithin(SETTLE_MS),
        );
        watcher.on("error", cannot);
        this.#watchers.push(watcher);
      } catch (err) {
        cannot(err);
      }
    }
  }

  #tell({ role, files }: Group, look: Look, cause: ReloadCause): void {
    const fields = { role, files: files.join(", ") };
    const { error, isNew } = look;
    if (error !== undefined) {
      const { code, message } = error;
      if (isNew || cause === "signal")
        this.#logger.error({ ...fields, code }, `refused, and what was in use stays: ${message}`);
    } else if (isNew && cause === "change") this.#logger.info(fields, outcomeOf(look));
  }
}

function outcomeOf({ kind, detail }: Look): string {
  return detail === undefined ? kind : `${kind} (${detail})`;
}

interface Look {
  readonly kind: "unchanged" | "reloaded" | "refused";
  readonly error?: HawserError | undefined;
  /** What else came of it. */
  readonly detail?: string | undefined;
  /** This content was not looked at before. */
  readonly isNew: boolean;
}

class Group {
  readonly role: string;
  readonly files: readonly string[];
  readonly #apply: ReloadableFiles["apply"];
  /** A digest, so that no secret is kept. */
  #seen: string;
  #error: HawserError | undefined;

  constructor({ role, files, inUse, apply }: ReloadableFiles) {
    this.role = role;
    this.files = files;
    this.#seen = inUse;
    this.#apply = apply;
  }

  async look(): Promise<Look> {
    const content = digestOf(
      await Promise.all(this.files.map((path) => readFile(path).catch(() => undefined))),
    );
    if (content === this.#seen)
      return { kind: this.#error === undefined ? "unchanged" : "refused", error: this.#error, isNew: false };
    this.#seen = content;
    try {
      const detail = (await this.#apply()) ?? undefined;
      this.#error = undefined;
      return { kind: "reloaded", isNew: true, detail };
    } catch (thrown) {
      this.#error = HawserError.from(thrown);
      return { kind: "refused", error: this.#error, isNew: true };
    }
  }
}

/** A digest of what the files hold now. To be taken before they are read, for `ReloadableFiles`; it keeps no secret. */
export function digestOfFiles(files: readonly string[]): string {
  return digestOf(
    files.map((path) => {
      try {
        return readFileSync(path);
      } catch {
        return undefined;
      }
    }),
  );
}

/** One that cannot be read counts as such, so that its coming back is a change. */
function digestOf(contents: readonly (Buffer | undefined)[]): string {
  const hash = createHash("sha256");
  for (const content of contents)
    hash.update(content === undefined ? "missing;" : `${content.byteLength};`).update(content ?? "");
  return hash.digest("hex");
}
