import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import { authoritiesOf, readAuthorities, SYSTEM_AUTHORITIES } from "@hawser/service";
import type { TlsOptions } from "@hawser/transport";
import { parseGatewayHeaders } from "./gateway-headers.js";
import type { AgentSettings } from "./settings.js";

/** What this agent shows of itself, read from its files anew for each connection. */
export class Credentials {
  readonly #settings: AgentSettings;
  readonly #logger: Logger;
  #watchers: FSWatcher[] = [];
  /** A digest, so that no secret is kept. */
  #content = "";
  #looking = false;
  #lookAgain = false;

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

  /** What gateways in front of the principal want. @throws HawserError when the file cannot be read, or holds something else */
  async headers(): Promise<Readonly<Record<string, string>>> {
    const { headerFile } = this.#settings;
    if (headerFile === undefined) return {};
    const content = (await read("--header-file", headerFile)).toString("utf8");
    return used("--header-file", () => parseGatewayHeaders(content, headerFile));
  }

  /** @throws HawserError when one cannot be read */
  async tls(): Promise<TlsOptions> {
    const { tlsCa, tlsCert, tlsKey } = this.#settings;
    return {
      ...(tlsCa === undefined ? {} : { ca: used("--tls-ca", () => readAuthorities(tlsCa)) }),
      ...(tlsCert === undefined ? {} : { cert: await read("--tls-cert", tlsCert) }),
      ...(tlsKey === undefined ? {} : { key: await read("--tls-key", tlsKey) }),
    };
  }

  /**
   * Calls back when the content of one of the files has changed. Directories are watched, because secrets are usually replaced and not written to; whatever else happens in
   * them costs one look at the files. Where the system cannot watch, SIGHUP does the same.
   */
  async watch(changed: () => void): Promise<void> {
    const files = this.#files();
    this.#content = await contentOf(files);
    for (const directory of new Set(files.map((path) => dirname(path)))) {
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#look(files, changed));
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

  #files(): readonly string[] {
    const { tokenFile, headerFile, tlsCa = "", tlsCert, tlsKey } = this.#settings;
    const authorities = authoritiesOf(tlsCa).filter((part) => part !== SYSTEM_AUTHORITIES);
    return [tokenFile, headerFile, ...authorities, tlsCert, tlsKey].filter((path) => path !== undefined);
  }

  // One look at a time; what happens during one is seen by the next.
  #look(files: readonly string[], changed: () => void): void {
    this.#lookAgain = true;
    if (this.#looking) return;
    this.#looking = true;
    void (async () => {
      while (this.#lookAgain && this.#watchers.length > 0) {
        this.#lookAgain = false;
        const content = await contentOf(files);
        if (content === this.#content) continue;
        this.#content = content;
        changed();
      }
      this.#looking = false;
    })();
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

/** What was good at the start and is not now fails this connection, and the next one looks again. */
function used<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError("connection_failed", `${flag}: ${reason}`, { cause });
  }
}

/** A digest of what the files hold; one that cannot be read counts as such, so that its coming back is a change. */
async function contentOf(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of files) {
    const content = await readFile(path).catch(() => undefined);
    hash.update(content === undefined ? "missing;" : `${content.byteLength};`).update(content ?? "");
  }
  return hash.digest("hex");
}
