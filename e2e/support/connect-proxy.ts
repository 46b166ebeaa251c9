import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { CertificateFiles } from "./certificates.js";

/** What an HTTP proxy was asked for, and what became of it. */
export interface Asked {
  readonly authority: string;
  readonly opened: boolean;
}

/**
 * An HTTP proxy of a company: opens tunnels for who has user and password, and knows where names lead that nobody else knows.
 */
export class ConnectProxy {
  readonly asked: Asked[] = [];
  readonly #server: ReturnType<typeof createServer>;
  readonly #scheme: "http" | "https";
  readonly #sockets = new Set<Socket>();
  readonly #wanted: string;
  readonly #ports: ReadonlyMap<string, number>;

  /**
   * @param credentials `user:password`
   * @param ports where an authority, such as `principal.example:443`, leads on this machine
   * @param tls the proxy is itself reached by TLS
   */
  constructor(credentials: string, ports: ReadonlyMap<string, number>, tls?: CertificateFiles) {
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server =
      tls === undefined
        ? createServer()
        : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
    this.#server.on("request", (_request, response) => response.writeHead(405).end());
    this.#wanted = `Basic ${Buffer.from(credentials).toString("base64")}`;
    this.#ports = ports;
    this.#server.on("connect", (request: IncomingMessage, socket: Socket) => this.#tunnel(request, socket));
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** @param credentials `user:password`; absent: without */
  url(credentials?: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#scheme}://${credentials === undefined ? "" : `${credentials}@`}127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, "close");
  }

  #tunnel({ url: authority = "", headers }: IncomingMessage, socket: Socket): void {
    this.#kept(socket);
    const port = this.#ports.get(authority);
    const isKnown = headers["proxy-authorization"] === this.#wanted;
    this.asked.push({ authority, opened: isKnown && port !== undefined });
    if (!isKnown)
      return void socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="company"\r\ncontent-length: 0\r\n\r\n',
      );
    if (port === undefined) return void socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    const through = this.#kept(connect(port, "127.0.0.1"));
    through.once("connect", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    through.once("close", () => socket.destroy());
    socket.once("close", () => through.destroy());
  }

  #kept(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}
