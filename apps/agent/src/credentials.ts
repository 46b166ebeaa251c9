import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { HawserError, thrownText } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import {
  authoritiesOf,
  digestOfFiles,
  readAuthorities,
  SYSTEM_AUTHORITIES,
  type ReloadableFiles,
} from "@hawser/service";
import type { TlsOptions } from "@hawser/transport";
import { parseGatewayHeaders } from "./gateway-headers.js";
import type { AgentSettings } from "./settings.js";

type CredentialSettings = Pick<AgentSettings, "tokenFile" | "headerFile" | "tlsCa" | "tlsCert" | "tlsKey">;

/** What this agent shows of itself, read from its files anew for each connection. */
export class Credentials {
  readonly #settings: CredentialSettings;
  readonly #logger: Logger;
  /** The last files that could be used: a certificate may be replaced a moment before its key is. */
  #usable: TlsOptions | undefined;

  constructor(settings: CredentialSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** @throws HawserError `connection_failed` when the token cannot be read */
  async authorization(): Promise<string | undefined> {
    const { tokenFile } = this.#settings;
    return tokenFile === undefined ? undefined : bearer(tokenFile, await read("--token-file", tokenFile));
  }

  /** What gateways in front of the principal want. @throws HawserError when the file cannot be read, or holds something else */
  async headers(): Promise<Readonly<Record<string, string>>> {
    const { headerFile } = this.#settings;
    if (headerFile === undefined) return {};
    const content = (await read("--header-file", headerFile)).toString("utf8");
    return used("--header-file", () => parseGatewayHeaders(content, headerFile));
  }

  /**
   * A certificate and key that do not fit are left alone, with an error line, for as long as there were some that did.
   *
   * @throws HawserError `connection_failed` when one cannot be read, or they never fitted
   */
  async tls(): Promise<TlsOptions> {
    try {
      this.#usable = await readTls(this.#settings);
      return this.#usable;
    } catch (thrown) {
      const error = HawserError.from(thrown, "connection_failed");
      if (this.#usable === undefined) throw error;
      const { code, message } = error;
      this.#logger.error({ code }, `the TLS files are refused, and the ones of before are used: ${message}`);
      return this.#usable;
    }
  }

  /** The files as they are now, for whoever watches them; `changed` is called when what they come to hold can be used. */
  reloadable(changed: () => void): readonly ReloadableFiles[] {
    const { tokenFile, headerFile, tlsCa = "", tlsCert, tlsKey } = this.#settings;
    const authorities = authoritiesOf(tlsCa).filter((part) => part !== SYSTEM_AUTHORITIES);
    const groups = [
      { role: "token", files: [tokenFile], read: () => this.authorization() },
      { role: "headers", files: [headerFile], read: () => this.headers() },
      { role: "TLS", files: [...authorities, tlsCert, tlsKey], read: () => readTls(this.#settings) },
    ];
    return groups.flatMap(({ role, files, read: look }) => {
      const named = files.filter((path) => path !== undefined);
      return named.length === 0
        ? []
        : [
            {
              role,
              files: named,
              inUse: digestOfFiles(named),
              apply: async () => {
                await look();
                changed();
              },
            },
          ];
    });
  }
}

async function readTls({ tlsCa, tlsCert, tlsKey }: CredentialSettings): Promise<TlsOptions> {
  const files = {
    ...(tlsCa === undefined ? {} : { ca: used("--tls-ca", () => readAuthorities(tlsCa)) }),
    ...(tlsCert === undefined ? {} : { cert: await read("--tls-cert", tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: await read("--tls-key", tlsKey) }),
  };
  const { cert, key } = files;
  if (cert !== undefined && key !== undefined) used("--tls-cert and --tls-key", () => checkPair(cert, key));
  return files;
}

function checkPair(cert: Buffer, key: Buffer): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new HawserError("connection_failed", "--tls-key is not the key of --tls-cert");
}

/** @throws HawserError `connection_failed` naming the file, never what is in it */
export function bearer(path: string, content: Buffer): string {
  const token = content.toString("utf8").trim();
  if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
  throw new HawserError("connection_failed", `--token-file ${path} does not hold one token on one line`);
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
    const reason = thrownText(cause);
    throw new HawserError("connection_failed", `${flag}: ${reason}`, { cause });
  }
}
