import { createSocket } from "node:dgram";
import { Inbox } from "@hawser/delivery";
import { encodeControl, type HawserEvent, jsonCodec, parseMessage } from "@hawser/protocol";

const [port = "7499"] = process.argv.slice(2);
const LOSE_EVERY = 3;

// A program that may restart reads this from its store, and writes each version there before it acknowledges.
const inbox = new Inbox({ settled: 0, applied: new Map(), begun: new Map() });
const socket = createSocket("udp4");
let datagrams = 0;

/** What an event does. */
function apply({ id, resourceid }: HawserEvent): void {
  console.log(`${resourceid}: ${id}`);
}

socket.on("message", (datagram, { port: sender, address }) => {
  datagrams += 1;
  if (datagrams % LOSE_EVERY === 0) return;
  const received = parseMessage(jsonCodec.decode(datagram.toString()));
  if (received.kind !== "event") return;
  const { event, version } = received;
  const { resourceid, eventid } = event;
  if (inbox.receive({ event, version, bytes: datagram.length }).kind === "apply") {
    apply(event);
    inbox.finish(resourceid, version, "applied");
  }
  // What is applied now, was before, or has been overtaken, is acknowledged; only a handler that takes its time would let it wait.
  const ack = encodeControl(
    { type: "ack", acks: [{ resourceid, eventid }] },
    { id: eventid, source: "/kitchen" },
  );
  // The answer may get lost as well: then the event comes again, and is a duplicate.
  if (datagrams % (LOSE_EVERY + 1) !== 0) socket.send(jsonCodec.encode(ack), sender, address);
});

socket.bind(Number(port), "127.0.0.1", () => console.log(`listening on ${socket.address().port}`));
process.once("SIGINT", () => socket.close());
