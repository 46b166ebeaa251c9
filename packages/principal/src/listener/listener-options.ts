/** The certificate and key are PEM text or bytes. */
export interface ListenerTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Authority of client certificates. Given: every client must show one that it signed, and its common name is known to `authenticate`. */
  readonly clientCa?: string | Buffer;
}

export interface ListenerOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls?: ListenerTls;
  /** From the accepted socket to the first bytes that tell the protocol (TLS included). @default 10 s */
  readonly helloTimeoutMs?: number;
  /** Sockets that have not told their protocol yet; more are closed at once and counted. @default 1024 */
  readonly maxUndecided?: number;
}

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}
