import type { PrincipalSettings } from "./settings.js";

/** A port of TCP that peers connect to, as the settings name it. */
export interface AgentPort {
  readonly flag: "--listen" | "--internal-listen";
  readonly host: string;
  /** Whether it ends TLS, so that nobody on the way reads along. */
  readonly isSecured: boolean;
}

type PortSettings = Pick<PrincipalSettings, "listen" | "internalListen"> & {
  readonly tlsCert?: string | undefined;
};

/** Everything where a peer can show its token: what is asked of one of these ports is asked of all. A Unix socket is none. */
export function agentPortsOf({ listen, internalListen, tlsCert }: PortSettings): readonly AgentPort[] {
  const external: AgentPort = { flag: "--listen", host: listen.host, isSecured: tlsCert !== undefined };
  if (internalListen === undefined || "path" in internalListen) return [external];
  return [external, { flag: "--internal-listen", host: internalListen.host, isSecured: false }];
}
