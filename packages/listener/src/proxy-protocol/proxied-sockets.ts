import { BlockList, isIP, type Socket } from "node:net";
import { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import { readProxyHeader, type ProxySource } from "./proxy-header.js";

/** A load balancer sends its header with the connection. */
const HEADER_TIMEOUT_MS = 3_000;

/** The outcome of reading a load balancer's header. */
export type Proxied =
  /** `source` is absent for the load balancer's own connections, such as health checks. */
  | { readonly kind: "from"; readonly source: ProxySource | undefined }
  /** No header came in time, or a wrong one; the socket is closed. */
  | { readonly kind: "none" }
  /** The connection ended before its header was complete; the socket is closed. */
  | { readonly kind: "gone" };

/** The load balancers that say where a connection comes from (the PROXY protocol). */
export class ProxiedSockets {
  readonly #balancers: BlockList;
  readonly #timers: Timers;

  /**
   * @param balancers addresses and networks, such as `10.0.0.0/8`; only these are believed
   * @throws HawserError `invalid_config` naming the entry that is neither
   */
  constructor(balancers: readonly string[], timers: Timers) {
    this.#balancers = listOf(balancers);
    this.#timers = timers;
  }

  /** Whether this connection comes from a load balancer, and so begins with a header. */
  covers({ remoteAddress }: Socket): boolean {
    const host = remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "";
    const family = isIP(host);
    return family !== 0 && this.#balancers.check(host, family === 4 ? "ipv4" : "ipv6");
  }

  /**
   * Reads the header and leaves no listener behind. A connection without a header is closed, because
   * its client could claim any address.
   */
  read(socket: Socket, decided: (proxied: Proxied) => void): void {
    let bytes: Buffer = Buffer.alloc(0);
    const finish = (proxied: Proxied): void => {
      deadline.cancel();
      socket.off("readable", onReadable);
      socket.off("end", onGone);
      socket.off("close", onGone);
      if (proxied.kind !== "from") socket.destroy();
      decided(proxied);
    };
    const onGone = (): void => finish({ kind: "gone" });
    const deadline = this.#timers.after(HEADER_TIMEOUT_MS, () => finish({ kind: "none" }));
    const onReadable = (): void => {
      for (;;) {
        const chunk: unknown = socket.read();
        if (!(chunk instanceof Buffer)) return;
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
        const header = readProxyHeader(bytes);
        if (header.kind === "incomplete") continue;
        if (header.kind === "invalid") return finish({ kind: "none" });
        if (bytes.length > header.bytes) socket.unshift(bytes.subarray(header.bytes));
        return finish({ kind: "from", source: header.source });
      }
    };
    socket.on("readable", onReadable);
    socket.on("end", onGone);
    socket.on("close", onGone);
  }
}

function listOf(balancers: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of balancers) {
    const [address = "", prefix, ...rest] = text.split("/");
    const family = isIP(address);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
    const isNetwork = Number.isInteger(bits) && bits >= 0 && bits <= (family === 4 ? 32 : 128);
    if (family === 0 || !isNetwork || prefix === "" || rest.length > 0) {
      throw new HawserError(
        "invalid_config",
        `listen.proxyProtocol: ${JSON.stringify(text)} is neither an address nor a network such as 10.0.0.0/8`,
      );
    }
    list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
