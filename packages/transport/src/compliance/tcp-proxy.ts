import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { LinkFaults } from "../link-faults.js";

interface Link {
  readonly near: Socket;
  readonly far: Socket;
}

/** A TCP proxy on a loopback port of its own that can reset or black-hole what passes through it. */
export class TcpProxy implements LinkFaults {
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #holding = false;

  constructor(readonly targetPort: number) {
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near));
  }

  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return portOf(this.#server);
  }

  cut(): void {
    for (const { near, far } of this.#links) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  blackhole(): void {
    this.#holding = true;
    for (const { near, far } of this.#links) {
      near.pause();
      far.pause();
    }
  }

  restore(): void {
    this.#holding = false;
    for (const { near, far } of this.#links) {
      near.resume();
      far.resume();
    }
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const { near, far } of this.#links) {
      near.destroy();
      far.destroy();
    }
    await closed;
  }

  #join(near: Socket): void {
    const far = connect({ port: this.targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const link = { near, far };
    this.#links.add(link);
    this.#forward(near, far, link);
    this.#forward(far, near, link);
  }

  #forward(from: Socket, to: Socket, link: Link): void {
    from.setNoDelay(true);
    from.on("data", (chunk) => {
      // What the other side does not take is not read here either, so that backpressure passes through the proxy.
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!this.#holding) from.resume();
    });
    from.on("end", () => to.end());
    from.on("error", () => to.resetAndDestroy());
    from.on("close", () => {
      this.#links.delete(link);
      if (!to.destroyed && !from.readableEnded) to.resetAndDestroy();
    });
    if (this.#holding) from.pause();
  }
}

export function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("The server is not listening on TCP.");
  return address.port;
}
