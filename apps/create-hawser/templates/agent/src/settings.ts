import { readFileSync } from "node:fs";

/** What this agent is told by its environment. */
export interface Settings {
  readonly name: string;
  /** Where the principal is: `ws://` or `wss://`. */
  readonly url: string;
  /** The file with the token this agent shows; read again for each connection, so that a new one needs no restart. */
  readonly tokenFile: string | undefined;
  /** What has to outlive a restart. */
  readonly dataDirectory: string;
  /** Where folders are made. */
  readonly root: string;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    name: env.AGENT_NAME ?? "edge-1",
    url: env.PRINCIPAL_URL ?? "ws://127.0.0.1:7480",
    tokenFile: env.TOKEN_FILE,
    dataDirectory: env.DATA_DIR ?? "agent-data",
    root: env.FOLDERS ?? "folders",
  };
}

/** What a request carries as `authorization`, if there is a token. */
export function authorization({ tokenFile }: Settings): string | undefined {
  return tokenFile === undefined ? undefined : `Bearer ${readFileSync(tokenFile, "utf8").trim()}`;
}
