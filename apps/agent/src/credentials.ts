import { readFile } from "node:fs/promises";
import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import type { AgentSettings } from "./settings.js";

export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** What this agent shows of itself, read from its files anew for each connection. */
export class Credentials {
  readonly #settings: AgentSettings;
  readonly #logger: Logger;
  #watchers: FSWatcher[] = [];

  constructor(settings: AgentSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** @throws HawserError `connection_failed` when the token cannot be read */
  async authorization(): Promise<string | undefined> {
    const { tokenFile } = this.#settings;
    if (tokenFile === undefined) return undefined;
    const token = (await read("--token-file", tokenFile)).toString("utf8").trim();
    if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
    throw new HawserError(
      "connection_failed",
      `--token-file ${tokenFile} does not hold one token on one line`,
    );
  }

  /** @throws HawserError `connection_failed` when one cannot be read */
  async tls(): Promise<TlsFiles> {
    const { tlsCa, tlsCert, tlsKey } = this.#settings;
    return {
      ...(tlsCa === undefined ? {} : { ca: await read("--tls-ca", tlsCa) }),
      ...(tlsCert === undefined ? {} : { cert: await read("--tls-cert", tlsCert) }),
      ...(tlsKey === undefined ? {} : { key: await read("--tls-key", tlsKey) }),
    };
  }

  /**
   * Calls back when one of the files may have changed; spurious calls are harmless. Directories are watched, because secrets are usually replaced and not
   * written to. Where the system cannot watch, SIGHUP does the same.
   */
  watch(changed: () => void): void {
    const { tokenFile, tlsCa, tlsCert, tlsKey } = this.#settings;
    const files = [tokenFile, tlsCa, tlsCert, tlsKey].filter((path) => path !== undefined);
    for (const directory of new Set(files.map((path) => dirname(path)))) {
      try {
        const watcher = watch(directory, { persistent: false }, changed);
        watcher.on("error", (err) => this.#cannotWatch(directory, err));
        this.#watchers.push(watcher);
      } catch (err) {
        this.#cannotWatch(directory, err);
      }
    }
  }

  unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  #cannotWatch(directory: string, err: unknown): void {
    this.#logger.warn(
      { err, directory },
      "cannot watch for new credentials; send SIGHUP after changing them",
    );
  }
}

async function read(flag: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new HawserError("connection_failed", `${flag} ${path} cannot be read`, { cause });
  }
}
