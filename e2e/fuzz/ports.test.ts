import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { pick } from "../support/fuzz/draws.js";
import { BYTE_STREAMS } from "../support/fuzz/byte-streams.js";
import { fuzz, fuzzPlan, shown } from "../support/fuzz/fuzz.js";
import { residentBytes, SMALL_HEAP } from "../support/fuzz/process-memory.js";
import { writeToPort, type Port } from "../support/fuzz/write-to-port.js";
import { HostileAgent } from "../support/hostile-agent.js";
import { createTestFleet, type TestFleet } from "../support/test-fleet.js";

const LONG_MS = 4 * 60 * 60_000;
/** Above what an idle principal takes on any Node, with its garbage; far below what an attack would take. */
const MAX_RESIDENT_BYTES = 400_000_000;
/** Connections at once: as many as a machine with two cores keeps busy. */
const AT_ONCE = 32;

const certificate = (name: string): string =>
  fileURLToPath(new URL(`../../packages/listener/src/testing/certificates/${name}.pem`, import.meta.url));
const TLS = ["--tls-cert", certificate("server"), "--tls-key", certificate("server.key")];
// What is tried here is what the process takes, not how many it lets in.
const OPEN = ["--admission-rate", "10000", "--log-level", "error", "--health-listen", "127.0.0.1:0"];

interface Target {
  readonly name: string;
  readonly args: readonly string[];
  readonly port: (fleet: TestFleet) => Port;
}

const TARGETS: readonly Target[] = [
  { name: "the agents' port", args: OPEN, port: ({ listen }) => listen },
  {
    name: "the agents' port with TLS",
    args: [...OPEN, ...TLS],
    port: ({ listen }) => ({ ...listen, tls: { alpn: ["h2", "http/1.1"] } }),
  },
  {
    name: "the agents' port with TLS for HTTP/1.1",
    args: [...OPEN, ...TLS],
    port: ({ listen }) => ({ ...listen, tls: { alpn: ["http/1.1"] } }),
  },
  { name: "the port of the API", args: OPEN, port: ({ apiListen }) => apiListen },
  {
    name: "the port of the API with TLS",
    args: [...OPEN, "--api-tls-cert", certificate("server"), "--api-tls-key", certificate("server.key")],
    port: ({ apiListen }) => ({ ...apiListen, tls: { alpn: ["http/1.1"] } }),
  },
  { name: "the port for health", args: OPEN, port: ({ health }) => health },
];

describe("whatever is written to a port, the process goes on", () => {
  it.each(TARGETS)("$name", { timeout: LONG_MS }, async ({ name, args, port }) => {
    const fleet = await createTestFleet(args, SMALL_HEAP);
    await fleet.startPrincipal();
    const { pid } = fleet.principal;
    // A connection carries ten frames or requests on average.
    const plan = fuzzPlan(200, 0.1);
    let open: Promise<unknown>[] = [];
    await fuzz(name, plan, async (random) => {
      const stream = pick(random, BYTE_STREAMS);
      const written = stream.bytes(random);
      open.push(
        writeToPort(port(fleet), written).catch((cause: unknown) => {
          throw new Error(`${stream.name}: ${shown(written)}`, { cause });
        }),
      );
      if (open.length < AT_ONCE) return;
      await Promise.all(open);
      open = [];
      if (!fleet.principal.running)
        throw new Error(`the principal is gone after ${stream.name}: ${shown(written)}`);
    });
    await Promise.all(open);
    expect(fleet.principal.running).toBe(true);
    expect(fleet.principal.pid).toBe(pid);
    const { host, port: healthPort } = fleet.health;
    expect((await fetch(`http://${host}:${healthPort}/readyz`)).status).toBe(200);
    if (args === OPEN) {
      const agent = await HostileAgent.overWebSocket("newcomer", fleet.listen);
      await agent.openSession();
      agent.wire.cut();
    }
    expect(await fleet.principal.logText()).not.toMatch(/uncaught|unhandled/i);
    const resident = (await residentBytes(pid)) ?? 0;
    console.log(`fuzz: ${name}, ${Math.round(resident / 1e6)} MB afterwards`);
    expect(resident).toBeLessThan(MAX_RESIDENT_BYTES);
  });
});
