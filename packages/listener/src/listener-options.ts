import type { AdmissionSettings } from "./admission/admission-settings.js";

/** The certificate and key are PEM text or bytes. */
export interface ListenerTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Authority of client certificates. Given: every client must show one that it signed, and `authenticate` is told which agents it names. */
  readonly clientCa?: string | Buffer;
}

/** Where to listen, and whom to let in how fast. */
export interface ListenerOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls?: ListenerTls;
  /**
   * Addresses and networks of load balancers, such as `10.0.0.0/8`, whose connections begin with a
   * header of the PROXY protocol (versions 1 and 2), before TLS. It names the client: in logs, in
   * views, and for what is bounded for each address. @default none is believed
   */
  readonly proxyProtocol?: readonly string[];
  /**
   * A socket whose file descriptor has this number or a higher one is closed at once, with one line a minute in the log: what is above is for the API, its probes and the store,
   * which go on working. The system gives the lowest number that is free. Choose it below the process's limit of open files. @default none
   */
  readonly maxDescriptor?: number;
  /** How fast and how many are let in. @default DEFAULT_ADMISSION */
  readonly admission?: Partial<AdmissionSettings>;
}

/**
 * No port: agents come by an HTTP server that is there already, which hands their upgrades to `handleUpgrade`. What needs the socket from its first byte is that server's: the number of connections, TLS
 * and its versions, the time that a handshake and the head of a request may take, and how long that head may be.
 */
export interface UpgradeListenerOptions {
  readonly by: "upgrade";
  /** How fast and how many are let in; what is counted begins with the upgrade. @default DEFAULT_ADMISSION */
  readonly admission?: Partial<AdmissionSettings>;
}

/** What a server that is there already knows of a request to upgrade. */
export interface UpgradeSource {
  /**
   * IP address of the client, where a proxy in front has said it and is trusted by whoever tells it here. It counts as the client's in logs, in views, and for what is bounded for each address.
   * Anything that is no IP address counts as not given. @default the other end of the socket
   */
  readonly client?: string | undefined;
}

/** A Unix domain socket to listen on: only processes of this machine reach it, and of those only whom the file's mode lets in. */
export interface UnixListenerOptions {
  /** Made at `start` and removed at `stop`. A file that a dead process left there is replaced. At most 107 bytes (103 outside Linux). */
  readonly path: string;
  /** 0o600 for processes of the same user, 0o660 for those of the same group as well. @default 0o600 */
  readonly mode?: number;
}

/** Where a port was bound; with port 0 the system chose it. */
export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

/** The Unix domain socket that was bound. */
export interface UnixAddress {
  readonly path: string;
}
