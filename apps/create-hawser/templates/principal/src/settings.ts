/** What this control plane is told by its environment. */
export interface Settings {
  /** Address that agents and clients of the API reach. Beyond this machine only with tokens. */
  readonly host: string;
  /** Agents come to it, by WebSocket and by gRPC. */
  readonly port: number;
  /** The HTTP API. */
  readonly apiPort: number;
  /** What clients of the API show. */
  readonly apiToken: string | undefined;
  /** JSON: the name of each agent and its token. Read again for each connection. */
  readonly agentTokensFile: string | undefined;
  /** What has to outlive a restart. */
  readonly dataDirectory: string;
}

/** @throws Error for a port that is none, and for an address beyond this machine without tokens */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const settings: Settings = {
    host: env.HOST ?? "127.0.0.1",
    port: portOf("PORT", env.PORT ?? "7480"),
    apiPort: portOf("API_PORT", env.API_PORT ?? "7481"),
    apiToken: env.API_TOKEN,
    agentTokensFile: env.AGENT_TOKENS_FILE,
    dataDirectory: env.DATA_DIR ?? "principal-data",
  };
  const open = settings.apiToken === undefined || settings.agentTokensFile === undefined;
  if (open && settings.host !== "127.0.0.1" && settings.host !== "::1")
    throw new Error(`HOST=${settings.host} lets others in: set API_TOKEN and AGENT_TOKENS_FILE first`);
  return settings;
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${name}=${text} is not a port`);
  return port;
}
