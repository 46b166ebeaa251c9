import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { pause, systemTimers } from "@hawser/runtime";
import type { Dialer } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { AckedSteps } from "./acked-steps.js";
import { printDamage, type Damage } from "./attack-damage.js";
import { sampled, type Figures } from "./delivery-samples.js";
import { becomes } from "./eventually.js";
import { HealthProbes } from "./health-probes.js";
import { CONNECTIONS, KeptPublisher } from "./kept-publisher.js";
import { watchCost, watchMemory } from "./principal-cost.js";
import { mainThreadOf, ownThread, rssMbOf } from "./process-figures.js";
import { QuietAgent } from "./quiet-agent.js";
import { newToken, TokensFile } from "./tokens-file.js";
import { createTestFleet, type TestFleet } from "./test-fleet.js";

/** How often something is sent to the healthy agent: 320 times in 4 s, so that the slowest hundredth is more than one of them. */
const PUBLISH_EVERY_MS = 12.5;
/** What a newcomer is given to get in, coming back as it is told. */
const NEWCOMER_DEADLINE_MS = 10_000;
/** The idle values are taken for so long: as many samples. */
const IDLE_MS = 4_000;
/** What the events are about. */
const RESOURCES = 200;
/** Behind a start, before anything is measured: code that has run only once is slow. */
const WARM_UP_MS = 500;
const CERTIFICATES = new URL("../../packages/listener/src/testing/certificates/", import.meta.url);
const certificate = (name: string): string => fileURLToPath(new URL(`${name}.pem`, CERTIFICATES));

/** What a principal is told so that it speaks TLS, as `localhost` and `127.0.0.1`. */
export const TLS_ARGS = [
  "--tls-cert",
  certificate("server"),
  "--tls-key",
  certificate("server.key"),
] as const;

/** An attack that is ready: what it takes to get there is not measured. */
export interface Armed {
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

export type Attack = (attacked: AttackedPrincipal) => Promise<Armed>;

export interface AttackedOptions {
  /** Beside the addresses and the data directory. */
  readonly args?: readonly string[];
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** The agents' port speaks TLS. @default false */
  readonly tls?: boolean;
  /** Agents show a token; a stranger has none. @default false: everybody is let in, on loopback */
  readonly tokens?: boolean;
  /** Tokens of others beside it. @default 0 */
  readonly knownTokens?: number;
}

export interface AttackOptions {
  /** How long it goes on. */
  readonly forMs: number;
  /** So many come meanwhile, by WebSocket and gRPC in turn. */
  readonly newcomers?: number;
}

/**
 * A principal as a process of its own, a healthy agent that is sent something 80 times a second, newcomers with good credentials, and probes of the health port: what an attack does to
 * them is measured.
 *
 * Attacks go to loopback only, and end with the test.
 */
export class AttackedPrincipal {
  readonly fleet: TestFleet;
  readonly isSecure: boolean;
  /** What an agent sends as `authorization`; undefined where nobody is asked. */
  readonly authorization: string | undefined;
  readonly #healthPort: number;
  readonly #sockets = new Set<Socket>();
  #healthy:
    | { readonly agent: QuietAgent; readonly publisher: KeptPublisher; readonly steps: AckedSteps }
    | undefined;
  #published = 0;

  private constructor(
    fleet: TestFleet,
    isSecure: boolean,
    authorization: string | undefined,
    healthPort: number,
  ) {
    this.fleet = fleet;
    this.isSecure = isSecure;
    this.authorization = authorization;
    this.#healthPort = healthPort;
  }

  static async start({
    args = [],
    env = {},
    tls = false,
    tokens = false,
    knownTokens = 0,
  }: AttackedOptions = {}): Promise<AttackedPrincipal> {
    const given = ["--health-listen", "127.0.0.1:0", ...args];
    if (tls) given.push(...TLS_ARGS);
    const token = tokens ? newToken() : undefined;
    if (token !== undefined) given.push("--agent-tokens-file", (await tokensFile(token, knownTokens)).path);
    const fleet = await createTestFleet(given, env);
    await fleet.startPrincipal();
    const ready: unknown = JSON.parse(await readFile(fleet.path("principal.ready.json"), "utf8"));
    const { health } = z.object({ health: z.object({ port: z.number() }) }).parse(ready);
    const attacked = new AttackedPrincipal(fleet, tls, token && `Bearer ${token}`, health.port);
    await attacked.#begin();
    return attacked;
  }

  /** A socket to the agents' port that is closed at the end of the test; errors are swallowed. @param localAddress one of 127.0.0.0/8 */
  socket(localAddress = "127.0.0.1"): Socket {
    const { host, port } = this.fleet.listen;
    return this.#kept(connectTcp({ host, port, localAddress, noDelay: true }));
  }

  /** The same behind a TLS handshake; `alpn` undefined offers none. */
  secureSocket(alpn?: readonly string[]): Socket {
    const { host, port } = this.fleet.listen;
    return this.#kept(
      connectTls({
        host,
        port,
        rejectUnauthorized: false,
        ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      }),
    );
  }

  /** Plays an attack of at most this long, with time before it for the idle values. */
  async measure(attack: Attack, { forMs, newcomers = 10 }: AttackOptions): Promise<Damage> {
    const armed = await attack(this);
    // However the test ends: an attack that goes on would load whatever comes next.
    const end = once(() => armed.end());
    onTestFinished(end);
    // All connections of the publisher at once: those who have yet to come during an attack are the newcomers.
    await Promise.all(Array.from({ length: CONNECTIONS }, () => this.#deliver()));
    await this.#measure(WARM_UP_MS);
    const idle = await this.#measure(IDLE_MS);
    const rssBeforeMb = await this.rssMb();
    const memory = watchMemory(this.fleet);
    const probes = new HealthProbes(this.#healthPort);
    onTestFinished(async () => void (await probes.stop()));
    const costOf = await watchCost(this.fleet);
    const loop = monitorEventLoopDelay({ resolution: 10 });
    loop.enable();
    await armed.begin();
    const [attacked, gotIn] = await Promise.all([this.#measure(forMs), this.#newcomers(newcomers, forMs)]);
    loop.disable();
    const cost = await costOf();
    await end();
    const health = await probes.stop();
    for (const socket of this.#sockets) socket.destroy();
    const rssPeakMb = await memory.stop();
    const isAlive = this.fleet.principal.running;
    const damage = { idle, attacked, gotIn, newcomers, health, rssBeforeMb, rssPeakMb, cost, isAlive };
    const told = { ...damage, ...this.#deliveries() };
    printDamage(told, loop.percentile(99) / 1e6);
    return told;
  }

  /** Of the principal's process. */
  rssMb(): Promise<number> {
    return rssMbOf(this.fleet.principal.pid);
  }

  async #begin(): Promise<void> {
    const agent = await QuietAgent.start("healthy", this.#dialer("ws"));
    // Before the principal: it would wait for whoever is still there.
    onTestFinished(() => agent.stop());
    await this.fleet.connected("healthy");
    const steps = await AckedSteps.follow(this.fleet, "healthy");
    onTestFinished(() => steps.stop());
    const publisher = new KeptPublisher(this.fleet.api, "healthy");
    onTestFinished(() => publisher.stop());
    this.#healthy = { agent, publisher, steps };
  }

  #dialer(transport: "ws" | "grpc"): Dialer {
    const { authorization, isSecure } = this;
    const { address } = this.fleet;
    const credentials = {
      ...(authorization === undefined ? {} : { authorization: () => authorization }),
      ...(isSecure ? { tls: async () => ({ ca: await readFile(certificate("ca"), "utf8") }) } : {}),
    };
    return transport === "ws"
      ? createWebSocketDialer({
          url: `${isSecure ? "wss" : "ws"}://${address}`,
          subprotocol: "cloudevents.json",
          ...credentials,
        })
      : createGrpcDialer({ url: `${isSecure ? "grpcs" : "grpc"}://${address}`, ...credentials });
  }

  #kept<S extends Socket>(socket: S): S {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }

  #measure(forMs: number): Promise<Figures> {
    const { pid } = this.fleet.principal;
    return sampled(() => this.#deliver(), {
      everyMs: PUBLISH_EVERY_MS,
      forMs,
      waitedMs: () => [mainThreadOf(pid).waitedMs, ownThread().waitedMs],
    });
  }

  async #deliver(): Promise<void> {
    this.#published += 1;
    const id = `e${this.#published}`;
    // Of one resource an event waits for the ACK of the one before: here each is measured by itself.
    const event = { id, type: "e2e.attack.v1", resourceid: `attack${this.#published % RESOURCES}_u1` };
    const { publisher, steps } = this.#healthy ?? raise("the attacked is not set");
    await steps.acked(await publisher.post(event));
  }

  #deliveries(): { readonly lost: number; readonly twice: number } {
    const handled = this.#healthy?.agent.handled ?? new Map<string, number>();
    return {
      lost: this.#published - handled.size,
      twice: [...handled.values()].filter((times) => times > 1).length,
    };
  }

  /** Evenly over the attack, one after the other begins; each comes back as it is told, as agents do. */
  async #newcomers(count: number, forMs: number): Promise<number> {
    const coming: Promise<boolean>[] = [];
    for (let n = 0; n < count; n += 1) {
      coming.push(this.#newcomer(`newcomer-${n}`, n % 2 === 0 ? "ws" : "grpc"));
      await pause(systemTimers, forMs / count);
    }
    const results = await Promise.all(coming);
    return results.filter(Boolean).length;
  }

  async #newcomer(name: string, transport: "ws" | "grpc"): Promise<boolean> {
    const agent = await QuietAgent.start(name, this.#dialer(transport));
    try {
      await becomes(`${name} is in`, () => agent.isConnected, NEWCOMER_DEADLINE_MS);
      return true;
    } catch {
      return false;
    } finally {
      await agent.stop();
    }
  }
}

function raise(message: string): never {
  throw new Error(message);
}

function once(step: () => Promise<void> | void): () => Promise<void> {
  let isDone = false;
  return async () => {
    if (isDone) return;
    isDone = true;
    await step();
  };
}

/** Tokens of others, and one that speaks for any agent. */
function tokensFile(own: string, others: number): Promise<TokensFile> {
  const known = Array.from(
    { length: others },
    (_, n) => [`other-${n}`, `sha256:${randomBytes(32).toString("hex")}`] as const,
  );
  return TokensFile.create([...known, ["*", own]]);
}
