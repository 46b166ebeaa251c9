import { createSocket } from "node:dgram";
import { EventWriter } from "@hawser/delivery";
import { jsonCodec, parseMessage } from "@hawser/protocol";
import { systemRuntime, WakeTimer } from "@hawser/runtime";

const [port = "7499"] = process.argv.slice(2);
const EVENTS = 12;

const runtime = systemRuntime();
const socket = createSocket("udp4");
const resend = { initialTimeoutMs: 100, minTimeoutMs: 50 };
const writer = new EventWriter({ window: 4, random: runtime.random, resend });
const wake = new WakeTimer(runtime, flush);
let sends = 0;

for (let version = 1; version <= EVENTS; version += 1) {
  const event = {
    specversion: "1.0" as const,
    id: `order-${version}`,
    source: "/shop",
    type: "com.example.order.v1",
    resourceid: version % 2 === 0 ? "table_2" : "table_1",
    eventid: String(version),
  };
  writer.offer({ version, event, bytes: Buffer.byteLength(jsonCodec.encode(event)) });
}

/** Sends what may go now, and sets one timer for what may have to go again. */
function flush(): void {
  const nowMs = runtime.clock.now();
  const next = () => writer.take(nowMs, runtime.clock.wallTime());
  for (let transmission = next(); transmission !== undefined; transmission = next()) {
    const { entry } = transmission;
    // An order that has expired would be written to a list of dead letters here, and then be settled.
    if (transmission.kind === "expired") writer.deadLetterWritten(entry.version);
    else if (transmission.kind === "send")
      socket.send(jsonCodec.encode(entry.event), Number(port), "127.0.0.1");
    sends += 1;
  }
  wake.arm(writer.nextWakeAt());
}

socket.on("message", (datagram) => {
  const answer = parseMessage(jsonCodec.decode(datagram.toString()));
  if (answer.kind !== "control" || answer.message.type !== "ack") return;
  for (const key of answer.message.acks) writer.ack(key, runtime.clock.now());
  flush();
  if (writer.held > 0) return;
  console.log(`${EVENTS} events arrived, ${sends} were sent`);
  wake.cancel();
  socket.close();
});

flush();
