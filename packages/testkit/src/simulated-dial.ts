import { HawserError } from "@hawser/protocol";
import { type ClientCertificate, type Connection, dialOnce, type DialOptions } from "@hawser/transport";
import type { Listening } from "./simulated-acceptor.js";
import type { SimulatedLink } from "./simulated-link.js";
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

/** While a partition lasts, the first packet is sent again this often. */
const CONNECT_RETRY_MS = 1000;

/**
 * One dial: a packet there, which makes the listener's end, and a packet back, which makes the
 * dialer's.
 */
export function dialSimulated(
  parts: DialParts,
  { from, to }: SimulatedDialerOptions,
  options: DialOptions = {},
): Promise<Connection> {
  const { timers, random, faults } = parts;
  let link: SimulatedLink | undefined;
  const open = (signal: AbortSignal): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const hop = (then: () => void): void => {
        const { latencyMinMs, latencyMaxMs } = faults();
        const latency = latencyMinMs + random.next() * (latencyMaxMs - latencyMinMs);
        timers.after(latency, () => {
          // A promise of a dead host stays as it is, like everything else of it.
          if (signal.aborted || !from.alive) return;
          if (parts.separates(from.name, to)) timers.after(CONNECT_RETRY_MS, () => hop(then));
          else then();
        });
      };
      const refuse = (): void => {
        hop(() => reject(new HawserError("connection_failed", `connection to ${to} refused`)));
      };
      const arrive = (): void => {
        const listening = parts.listenerAt(to);
        if (listening === undefined || random.next() < faults().dialFailureProbability) return refuse();
        const made = parts.connect(listening);
        link = made;
        listening.onConnection(made.ends.listener);
        hop(() => resolve(made.ends.dialer));
      };
      if (from.alive && random.next() >= faults().dialHangProbability) hop(arrive);
    });
  // The deadline is a timer of the host, so that it dies with it.
  return dialOnce(
    { ...options, name: to, timers: from.runtime.timers },
    { open, cancel: (error) => link?.ends.dialer.terminate(error) },
  );
}
