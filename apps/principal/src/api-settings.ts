import { hostPort, hostPortOrUnix, setting, text, toggle } from "@hawser/service";

/** Where the HTTP API is, and who may use it. */
export const apiSettings = {
  apiListen: setting(
    "<host:port>",
    "where the HTTP API listens; default 127.0.0.1:7481",
    hostPort().default({ host: "127.0.0.1", port: 7481 }),
  ),
  apiTokenFile: setting(
    "<path>",
    "file with the bearer token of the HTTP API, or one '<name> <token>' a line; default <data-dir>/api-token, made at the first start",
    text().optional(),
  ),
  apiTlsCert: setting(
    "<path>",
    "PEM certificate of the HTTP API; together with --api-tls-key",
    text().optional(),
  ),
  apiTlsKey: setting("<path>", "PEM key of the HTTP API; together with --api-tls-cert", text().optional()),
  healthListen: setting(
    "<host:port|unix:path>",
    "/livez and /readyz alone, on a port or Unix socket of their own, whatever befalls the API's; default none",
    hostPortOrUnix().optional(),
  ),
  apiOpen: {
    description: "the HTTP API asks for no token, so everybody on this machine may use it; on loopback only",
    schema: toggle().default(false),
  },
} as const;
