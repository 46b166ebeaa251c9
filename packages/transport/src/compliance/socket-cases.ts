import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { type MakeTransport, onStage, type Stage } from "./stage.js";
import { portOf } from "./tcp-proxy.js";
import type { HostilePeer, SocketWire } from "./under-test.js";

/** What only a transport that strangers can reach has to endure. */
export function socketCases(make: MakeTransport): void {
  test("an oversized frame of a hostile peer: it is told 1009, its earlier events arrived", () =>
    onStage(make, async (stage) => {
      const { end, closeCode } = await endure(stage, (peer) => peer.sendOversized());
      expect(end).toMatchObject({ kind: "closed", clean: false, code: 1009, by: "local" });
      expect(closeCode).toBe(1009);
    }));

  test("a malformed frame of a hostile peer: it is told so, its earlier events arrived", () =>
    onStage(make, async (stage) => {
      const { end, closeCode } = await endure(stage, (peer) => peer.sendMalformed());
      expect(end).toMatchObject({ kind: "closed", clean: false, by: "local", code: closeCode });
      expect([1003, 1007]).toContain(closeCode);
    }));

  test("nobody listens: connection_failed", () =>
    onStage(make, async (stage) => {
      const dialer = socketWire(stage).createDialer(await freePort());
      await expect(dialer.dial()).rejects.toMatchObject({ code: "connection_failed" });
    }));

  test.each(["silent", "half"] as const)(
    "a socket that never finishes its handshake (%s) is given up",
    (how) => onStage(make, (stage) => fallSilent(stage, how), { handshakeTimeoutMs: 250 }),
  );
}

async function endure(stage: Stage, attack: (peer: HostilePeer) => void) {
  const wire = socketWire(stage);
  const [peer, connection] = await Promise.all([wire.connectHostilePeer(stage.port), stage.accepted()]);
  const server = stage.end(connection);
  server.open();
  peer.sendEvent("before");
  attack(peer);
  peer.sendEvent("after");
  const [closeCode, end] = await Promise.all([peer.closeCode, server.seen.end()]);
  peer.destroy();
  expect(server.seen.ids).toEqual(["before"]);
  await stage.roundTrips();
  return { closeCode, end };
}

async function fallSilent(stage: Stage, how: "silent" | "half"): Promise<void> {
  const socket = connect({ port: stage.port, host: "127.0.0.1" });
  // A reset is as good an end as a FIN here; what matters is that the acceptor let go.
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await once(socket, "connect");
  if (how === "half") socket.write(socketWire(stage).halfHandshake);
  await closed;
  expect(stage.unclaimed).toBe(0);
  await stage.roundTrips(1);
}

function socketWire(stage: Stage): SocketWire {
  const { wire } = stage.transport;
  if (wire.kind === "sockets") return wire;
  throw new Error('This case needs sockets; say `medium: "in-process"` to leave it out.');
}

/** A port nobody listens on: it was just given back. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}
