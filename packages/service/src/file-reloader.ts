import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { HawserError } from "@hawser/protocol";
import { WakeTimer, type Logger, type Runtime } from "@hawser/runtime";

/** Files that belong together, such as a certificate and its key. */
export interface ReloadableFiles {
  /** For the log, such as `agent tokens`. */
  readonly role: string;
  readonly files: readonly string[];
  /** `digestOfFiles` before the first read, so that a change since then is found. */
  readonly inUse: string;
  /** Uses the files and returns a result for the log. If it throws, the old content must stay. */
  readonly apply: () => string | void | Promise<string | void>;
}

/** The reason of a look at the files. */
export type ReloadCause = "signal" | "change";

/** Polling interval: orchestrators swap secrets by links, which not every watch reports. */
const DEFAULT_INTERVAL_MS = 5_000;
/** Delay after a change: the writer of a certificate writes its key as well. */
const SETTLE_MS = 200;

/** The files of a reloader and its interval. */
export interface FileReloaderOptions {
  readonly runtime: Pick<Runtime, "clock" | "logger" | "timers">;
  readonly groups: readonly ReloadableFiles[];
  /** @default 5 s */
  readonly intervalMs?: number;
  /** Reports changes in a directory. @default `watch` of `node:fs` */
  readonly watch?: DirectoryWatch;
}

/** As `watch` of `node:fs`. It may throw or report too much; the interval finds what it misses. */
export type DirectoryWatch = (
  directory: string,
  options: { readonly persistent: false },
  changed: () => void,
) => Pick<FSWatcher, "close" | "on">;

/**
 * Reloads files when their content changes: polled, on a notification of the system, and on
 * request. Invalid files leave the content in use and cause one error line. `start` finds changes
 * since the first read.
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

  /** Looks at all files, one look at a time. A signal logs every group, a change its own. */
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

  // Never postpones a look: constant changes in the directory, such as the store's, would starve
  // it.
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
  /** Further result. */
  readonly detail?: string | undefined;
  /** True for new content. */
  readonly isNew: boolean;
}

class Group {
  readonly role: string;
  readonly files: readonly string[];
  readonly #apply: ReloadableFiles["apply"];
  /** A digest, because secrets are not kept. */
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

/** A digest of the files' content, for `ReloadableFiles.inUse`: take it before the first read. */
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

/** An unreadable file counts as missing, so that its return is a change. */
function digestOf(contents: readonly (Buffer | undefined)[]): string {
  const hash = createHash("sha256");
  for (const content of contents)
    hash.update(content === undefined ? "missing;" : `${content.byteLength};`).update(content ?? "");
  return hash.digest("hex");
}
