import type { AdmissionSettings } from "./admission/admission-settings.js";

/** The certificate and key are PEM text or bytes. */
export interface ListenerTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /**
   * Authority of client certificates. Where given, every client must show one that it signed, and
   * `authenticate` learns which agents the certificate names.
   */
  readonly clientCa?: string | Buffer;
}

/** Where to listen, and how fast to admit. */
export interface ListenerOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls?: ListenerTls;
  /**
   * Addresses and networks of load balancers, such as `10.0.0.0/8`, whose connections begin with a
   * header of the PROXY protocol (versions 1 and 2), before TLS. It names the client in logs, in
   * views and for bounds of each address. @default none is believed
   */
  readonly proxyProtocol?: readonly string[];
  /**
   * A socket whose file descriptor has this number or a higher one is closed at once, with one log
   * line a minute: higher descriptors remain for the API, its probes and the store. The system
   * assigns the lowest free number. Choose it below the limit of open files. @default none
   */
  readonly maxDescriptor?: number;
  /** How fast and how many are admitted. @default DEFAULT_ADMISSION */
  readonly admission?: Partial<AdmissionSettings>;
}

/**
 * No port: another HTTP server hands the agents' upgrades to `handleUpgrade`. That server bounds what
 * comes before: the number of connections, TLS and its versions, the time of a handshake and of the
 * head of a request, and the length of that head.
 */
export interface UpgradeListenerOptions {
  readonly by: "upgrade";
  /** As of a port; each count begins with the upgrade. @default DEFAULT_ADMISSION */
  readonly admission?: Partial<AdmissionSettings>;
}

/** What the HTTP server knows of a request to upgrade. */
export interface UpgradeSource {
  /**
   * IP address of the client, as a trusted proxy in front named it. It names the client in logs, in
   * views and for bounds of each address. Anything that is no IP address is ignored.
   * @default the other end of the socket
   */
  readonly client?: string | undefined;
}

/** A Unix domain socket: only processes of this machine reach it, as the file's mode allows. */
export interface UnixListenerOptions {
  /**
   * Made at `start`, removed at `stop`; replaces the socket of a dead process. At most 107 bytes (103
   * outside Linux).
   */
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
