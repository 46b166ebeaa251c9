import { CloudEvent } from "cloudevents";
import { WebSocket } from "ws";

const [url = "ws://127.0.0.1:7498/events/v1/connect"] = process.argv.slice(2);

const socket = new WebSocket(url, "cloudevents.json");
socket.on("open", () => {
  const ping = new CloudEvent({
    type: "com.example.ping.v1",
    source: "/client",
    datacontenttype: "application/json",
    data: { hello: "server" },
  });
  socket.send(JSON.stringify(ping));
});
socket.on("message", (frame: Buffer) => {
  const pong = new CloudEvent(JSON.parse(frame.toString()));
  console.log(`${pong.type} from ${pong.source}: ${JSON.stringify(pong.data)}`);
  socket.close(1000, "thanks");
});
