import { once } from "node:events";
import {
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** A proxy that speaks HTTP/2 on both sides, as the ones in front of a principal do. */
export class Http2Proxy {
  readonly #target: string;
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(target: string) {
    this.#target = target;
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("error", () => {});
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream, headers) => this.#pass(stream, headers));
  }

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Asks every client to go elsewhere, without an error; what is open goes on. */
  goAway(): void {
    for (const session of this.#sessions) session.goaway(0);
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const upstream = connect(`http://${this.#target}`);
    upstream.on("error", () => stream.destroy());
    const request = upstream.request(headers);
    let trailers: IncomingHttpHeaders = {};
    stream.on("error", () => request.destroy());
    request.on("error", () => stream.destroy());
    stream.once("close", () => upstream.destroy());
    request.on("response", (answer) => stream.respond(answer, { waitForTrailers: true }));
    request.on("trailers", (said) => {
      trailers = said;
    });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.pipe(request);
    request.pipe(stream);
  }
}
