import type { PrincipalSettings } from "./settings.js";

/** What keeps strangers out, by port: told when it is ready, so that nobody has to infer it from flags. */
export interface SecuredBy {
  /** Of the agents' port. */
  readonly tls: boolean;
  readonly agentTokens: boolean;
  readonly clientCertificates: boolean;
  readonly apiTls: boolean;
  readonly apiTokens: boolean;
}

/** As these settings have it. */
export function securedBy(
  settings: Pick<PrincipalSettings, "tlsCert" | "agentTokensFile" | "tlsClientCa" | "apiTlsCert" | "apiOpen">,
): SecuredBy {
  return {
    tls: settings.tlsCert !== undefined,
    agentTokens: settings.agentTokensFile !== undefined,
    clientCertificates: settings.tlsClientCa !== undefined,
    apiTls: settings.apiTlsCert !== undefined,
    apiTokens: !settings.apiOpen,
  };
}
