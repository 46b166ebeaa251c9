import { HawserError } from "@hawser/protocol";
import type { Connection, DialOptions } from "@hawser/transport";
import type { SimulatedLink } from "./simulated-link.js";
import type { Listening } from "./simulated-network.js";
import type { ClientCertificate } from "@hawser/transport";
import type { PipeWorld } from "./simulated-pipe.js";
import type { VirtualHost } from "./virtual-host.js";

/** Who dials, from where to where. */
export interface SimulatedDialerOptions {
  readonly from: VirtualHost;
  readonly to: string;
  /** What the listener sees as `peer.authorization`. */
  readonly authorization?: string;
  /** What the listener sees as `peer.certificate`. */
  readonly certificate?: ClientCertificate;
}

/** What a dial needs of the network. */
export interface DialParts extends PipeWorld {
  readonly separates: (from: string, to: string) => boolean;
  readonly listenerAt: (address: string) => Listening | undefined;
  readonly connect: (listening: Listening) => SimulatedLink;
}

const DEFAULT_DIAL_TIMEOUT_MS = 10_000;
/** While a partition lasts, the first packet is sent again this often. */
const CONNECT_RETRY_MS = 1000;

/** One dial: a packet there, which makes the listener's end, and a packet back, which makes the dialer's. */
export function dialSimulated(
  parts: DialParts,
  { from, to }: SimulatedDialerOptions,
  { signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS }: DialOptions = {},
): Promise<Connection> {
  const { timers, random, faults } = parts;
  return new Promise((resolve, reject) => {
    let settled = false;
    let link: SimulatedLink | undefined;
    const deadline = timers.after(timeoutMs, () => {
      giveUp(new HawserError("timeout", `no answer from ${to} within ${timeoutMs} ms`));
    });
    const onAbort = (): void => giveUp(new HawserError("aborted", "the dial was given up"));
    const settle = (conclude: () => void): void => {
      if (settled) return;
      settled = true;
      deadline.cancel();
      signal?.removeEventListener("abort", onAbort);
      // A promise of a dead host stays as it is, like everything else of it.
      if (from.alive) conclude();
    };
    const giveUp = (error: HawserError): void => {
      link?.ends.dialer.terminate(error);
      settle(() => reject(error));
    };
    const hop = (then: () => void): void => {
      const { latencyMinMs, latencyMaxMs } = faults();
      const latency = latencyMinMs + random.next() * (latencyMaxMs - latencyMinMs);
      timers.after(latency, () => {
        if (settled || !from.alive) return;
        if (parts.separates(from.name, to)) timers.after(CONNECT_RETRY_MS, () => hop(then));
        else then();
      });
    };
    const refuse = (): void => {
      hop(() => giveUp(new HawserError("connection_failed", `connection to ${to} refused`)));
    };
    const arrive = (): void => {
      const listening = parts.listenerAt(to);
      if (listening === undefined || random.next() < faults().dialFailureProbability) return refuse();
      const made = parts.connect(listening);
      link = made;
      listening.onConnection(made.ends.listener);
      hop(() => settle(() => resolve(made.ends.dialer)));
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort);
    if (from.alive && random.next() >= faults().dialHangProbability) hop(arrive);
  });
}
