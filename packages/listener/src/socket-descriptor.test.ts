import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { descriptorOf } from "./socket-descriptor.js";

it.skipIf(process.platform === "win32")(
  "knows the descriptor of a socket as long as it is open",
  async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const bound = server.address();
    const socket = connect(typeof bound === "object" && bound !== null ? bound.port : 0, "127.0.0.1");
    await once(socket, "connect");
    expect(descriptorOf(socket)).toBeGreaterThan(2);
    socket.destroy();
    await once(socket, "close");
    expect(descriptorOf(socket)).toBeUndefined();
  },
);
