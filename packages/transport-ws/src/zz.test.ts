import { expect, test } from "vitest";
import { createWebSocketAcceptor } from "./index.js";
import { listening } from "./testing/listening.js";
import { OPCODES, RawPeer } from "./testing/raw-peer.js";
test("pings", async () => {
  const stage = await listening(createWebSocketAcceptor());
  const [peer, server] = await Promise.all([RawPeer.upgraded(stage.port, "cloudevents.json"), stage.accepted()]);
  peer.socket.pause();
  let ended: unknown; void server.ended.then((e) => (ended = e));
  let max = 0;
  for (let round = 0; round < 4000 && ended === undefined; round++) {
    peer.socket.cork();
    for (let n = 0; n < 100; n++) peer.send({ opcode: OPCODES.ping, payload: "x".repeat(125) });
    peer.socket.uncork();
    await new Promise((r) => setTimeout(r, 1));
    max = Math.max(max, server.connection.bufferedBytes);
  }
  console.log("max buffered", max, ended);
}, 60000);
