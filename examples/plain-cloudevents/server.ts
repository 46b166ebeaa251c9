import { createServer } from "node:net";
import { createWebSocketAcceptor } from "@hawser/transport-ws";

const [port = "7498"] = process.argv.slice(2);

// It takes sockets, from wherever they come; here from a plain listener.
const acceptor = createWebSocketAcceptor({ basePath: "/events", maxFrameBytes: 64 * 1024 });
await acceptor.start((connection) => {
  connection.open({
    message(event) {
      console.log(`${event.type} from ${event.source}`);
      const sent = connection.send({
        specversion: "1.0",
        id: `answer-to-${event.id}`,
        source: "/server",
        type: "com.example.pong.v1",
        data: { heard: event.id },
      });
      // The client does not read and its buffer is full: rather no connection than one more event in memory.
      if (sent === "full") connection.close(1008, "read your answers");
    },
    writable: () => {},
    ended: (end) => console.log(`the connection is ${end.kind}`),
  });
});

const listener = createServer((socket) => acceptor.accept(socket, { address: `${socket.remoteAddress}` }));
listener.listen(Number(port), "127.0.0.1", () => {
  const address = listener.address();
  if (typeof address === "object") console.log(`listening on ${address?.port}`);
});
process.once("SIGINT", () => void acceptor.stop().then(() => listener.close()));
